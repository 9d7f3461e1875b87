"""The coaching domain: what its rows must be (rules), stay (checks), and how they are written (operations)."""

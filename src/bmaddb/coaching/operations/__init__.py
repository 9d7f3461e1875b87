"""The named operations: what an application does, as steps with their rules and checks."""

"""The room personality."""

"""The outbox on a real SQLite file."""

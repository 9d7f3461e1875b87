"""Queries: compiled text, and what it means beside plain Python."""

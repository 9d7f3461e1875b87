"""The schema language and what is generated from it."""

"""The twelve modules and their catalogue data."""

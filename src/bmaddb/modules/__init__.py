"""The twelve modules, as declarations, and the registry that knows them all."""

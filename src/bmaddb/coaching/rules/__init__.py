"""The eight validators: one file a table, one function a rule, named as the data model numbers them."""

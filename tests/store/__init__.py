"""The device store: transactions, capture, migrations, errors."""

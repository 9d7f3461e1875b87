"""What catalogue tables and registries start with: plain data, nl and en, one subject a file."""

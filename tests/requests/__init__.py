"""The sync engine: devices with real files against a real server."""

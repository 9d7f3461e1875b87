"""The protocol: pure, so tests are tables, transcripts and properties."""

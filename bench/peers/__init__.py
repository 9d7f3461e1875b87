"""bmaddb beside others that do the same work: `make bench-peers` runs them in turn and writes docs/peers.md."""

"""Power cuts, killed processes, disks that fail, wires that break (S15, S18)."""

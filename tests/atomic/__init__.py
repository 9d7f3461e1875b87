"""Operations: what they promise, alone, in batches, in a queue, and over a crash."""

"""The chat itself: pure, synchronous, deterministic. Nothing here awaits."""

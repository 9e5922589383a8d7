"""Choices by hash: they stay the same for what they are about, whatever else there is."""

import hashlib


def fraction(key: str) -> float:
    """A hash of the key, uniformly distributed over [0, 1)."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64

"""Named random streams: every use of randomness has its own seed, derived from the run's seed and a name."""

from __future__ import annotations

import hashlib


def stream(seed: int, *names: str | int) -> int:
    """Return the 63-bit seed of one stream: `stream(3, "latent")`.

    It depends on nothing but its arguments, so a run's numbers do not change with the seeds that train beside it
    or with the diagnostics that are on.
    """
    text = "\x1f".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1

"""Which decisions are looked at: the same ones whoever asks, and however often."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

_ALL: Final = 2**64


def is_sampled(decision_id: str, share: float) -> bool:
    """Whether a decision belongs to a share (0 to 100 %); a bigger one contains a smaller one."""
    number = int.from_bytes(sha256(decision_id.encode()).digest()[:8], "big")
    return number * 100 < share * _ALL

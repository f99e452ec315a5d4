"""The partition a key belongs in, remembered for the keys that come often."""

from __future__ import annotations

from typing import Final

from contracts.identity import partition_of

DEFAULT_KEYS: Final = 200_000


class Placement(dict[bytes, int]):
    """Partition by key: `placement[key]`, computed once, for the keys seen lately.

    murmur2 in Python costs as much as decoding an event, a dict hit next to nothing. Keys are
    kept in two generations: when the young one is full the old one is forgotten, so memory is
    bounded and what comes often stays.
    """

    def __init__(self, partitions: int, max_keys: int = DEFAULT_KEYS) -> None:
        super().__init__()
        self.partitions = partitions
        self._half = max(max_keys // 2, 1)
        self._old: dict[bytes, int] = {}

    def __missing__(self, key: bytes) -> int:
        if len(self) >= self._half:
            self._old = dict(self)
            self.clear()
        home = self._old.get(key)
        if home is None:
            home = partition_of(key, self.partitions)
        self[key] = home
        return home

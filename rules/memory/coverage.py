"""Since when the timeline is complete: by source and family, for all subjects of a partition."""

from __future__ import annotations

from typing import Final

import msgspec

ALWAYS_US: Final = -(2**62)
"""The timeline is complete from the beginning: in tests with virtual time."""


class Coverage(msgspec.Struct):
    """Since when acts of a family that a source delivers are all known, in microseconds."""

    since: dict[str, dict[str, int]] = {}
    """Source to family to time."""
    is_total: bool = False
    """Whether everything that ever happened is known: in tests with virtual time."""

    def hears(self, source: str, family: str, at_us: int) -> bool:
        """Note an event of a source; True where it was the first of its family."""
        families = self.since.setdefault(source, {})
        if family in families:
            return False
        families[family] = at_us
        return True

    def backfilled(self, source: str, family: str, at_us: int) -> None:
        """Earlier acts were brought in: the timeline is complete from `at_us`."""
        families = self.since.setdefault(source, {})
        families[family] = min(at_us, families.get(family, at_us))

    def known_since(self, family: str) -> int | None:
        """From when acts of a family are known of every source that delivers it; None: never.

        A source that was connected later may hold acts from before: the latest one counts.
        """
        if self.is_total:
            return ALWAYS_US
        found = [families[family] for families in self.since.values() if family in families]
        return max(found, default=None)

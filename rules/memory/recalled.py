"""What is remembered of a subject while one of its events is decided."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from rules.memory.coverage import ALWAYS_US, NOTHING_STATED, Coverage, Stated
from rules.memory.horizon import PAIRS
from rules.memory.model import Act, Memory


class Recalled(msgspec.Struct, frozen=True):
    """What an event is decided with besides itself."""

    memory: Memory
    coverage: Coverage
    present: Act | None = None
    """The event as the timeline keeps it; None where no rule asks for acts of its family."""
    due_us: int | None = None
    """Of a duty that is decided about: when what it expects was due."""

    def known_since(self, family: str, said: Stated = NOTHING_STATED) -> int | None:
        """From when acts of a family are known and not yet forgotten; None: never."""
        since = self.coverage.known_since(family, said)
        return None if since is None else max(since, self._not_known(family))

    def covers_pairs(self, families: Iterable[str], at_us: int) -> bool:
        """Whether all lines of these families are known that can be the other half of a pair of
        one whose use begins then."""
        return self.coverage.covers_pairs(families, at_us, self._not_known)

    def pairs_since(self, family: str) -> int | None:
        """From when lines of a family are known as halves of pairs; None: never."""
        since = self.coverage.pairs_since(family)
        return None if since is None else max(since, self._not_known(f"{family}{PAIRS}"))

    def _not_known(self, name: str) -> int:
        """The time before which acts are not known of this memory.

        A backfill brings acts in where their own subject is remembered: of a person with several
        it makes nothing known.
        """
        dropped = self.memory.forgotten.get(name, ALWAYS_US)
        if self.memory.links:
            return max(dropped, self.coverage.unfilled.get(name, dropped))
        return dropped

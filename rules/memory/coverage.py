"""Since when the timeline is complete: by source and family, for all subjects of a partition."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from rules.memory.horizon import PAIRS, Horizon

ALWAYS_US: Final = -(2**62)
"""The timeline is complete from the beginning: in tests with virtual time."""


class Held(msgspec.Struct, array_like=True, frozen=True):
    """What is kept of the acts of one family."""

    facts: tuple[str, ...]
    """Their names; of halves of pairs the digest of what names the lines."""
    span_us: int
    since_us: int
    """Acts from before were kept with less, or not at all."""


class Coverage(msgspec.Struct):
    """Since when acts of a family that a source delivers are all known, in microseconds."""

    since: dict[str, dict[str, int]] = {}
    """Source to family to time."""
    held: dict[str, Held] = {}
    """Family to what is kept of its acts, and since when so much; with PAIRS after it, of its
    lines as halves of pairs."""
    horizon: str = ""
    """Digest of the horizon that `held` is for."""
    is_total: bool = False
    """Whether everything that ever happened is known: in tests with virtual time."""
    groups: dict[str, Coverage] = {}
    """The same for acts that are grouped by some facts, by the names of the facts."""

    def of_group(self, name: str) -> Coverage:
        """The coverage of acts that are grouped by these facts."""
        found = self.groups.get(name)
        if found is None:
            found = self.groups[name] = Coverage(is_total=self.is_total)
        return found

    def forget(self) -> None:
        """Events went by that are not remembered: from now on the timelines begin anew."""
        self.since.clear()
        self.groups.clear()

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
        return self._since(family, family)

    def covers_pairs(self, families: Iterable[str], at_us: int) -> bool:
        """Whether all lines of these families are known that can be the other half of a pair of
        one whose use begins then."""
        return all(self._covers(family, at_us) for family in families)

    def _covers(self, family: str, at_us: int) -> bool:
        name = f"{family}{PAIRS}"
        held = self.held.get(name)
        since = self._since(family, name)
        return since is not None and held is not None and since <= at_us - held.span_us

    def _since(self, family: str, name: str) -> int | None:
        if self.is_total:
            return ALWAYS_US
        found = [families[family] for families in self.since.values() if family in families]
        if not found:
            return None
        held = self.held.get(name)
        return max(*found, ALWAYS_US if held is None else held.since_us)

    def keep(self, horizon: Horizon, now_us: int) -> None:
        """From now on keep what a horizon asks for; what was kept before stays as it was."""
        digest = horizon.digest
        if digest == self.horizon:
            return
        is_first = not self.since
        for name, facts, span_us, _ in horizon.held:
            held = self.held.get(name)
            if is_first:
                since = ALWAYS_US
            elif held is None or not set(facts) <= set(held.facts):
                since = now_us
            elif span_us > held.span_us:
                since = max(held.since_us, now_us - held.span_us)
            else:
                since = held.since_us
            self.held[name] = Held(facts, span_us, since)
        for name in self.held.keys() - {asked.name for asked in horizon.held}:
            del self.held[name]
        self.horizon = digest

"""Since when the timeline is complete: by source and family, for all subjects of a partition.

Three things must be known of a window: that the sources of its family were heard from its begin
on, or that the site states so; that what the rules read was kept of the acts in it; and that
nothing of it was dropped. Where one is not known, the window is not covered.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from copy import copy
from typing import Final

import msgspec

from rules.memory.horizon import PAIRS, Horizon

ALWAYS_US: Final = -(2**62)
"""The timeline is complete from the beginning: in tests with virtual time."""
UNHEARD_US: Final = -(2**62)
MOST_SOURCES: Final = 4096
"""So many sources are told apart on one partition number. Of any more, each of which may be new at
every event, what they delivered before is never known."""
Stated = Mapping[str, int]
"""Source to the time from which it delivers every act of one family, as the site states."""
NOTHING_STATED: Final[Stated] = {}


class Held(msgspec.Struct, array_like=True, frozen=True):
    """What is kept of the acts of one family."""

    facts: tuple[str, ...]
    """Their names; of halves of pairs the digest of what names the lines."""
    span_us: int
    since_us: int
    """Acts from before were kept with less, or not at all."""


class Reread(msgspec.Struct):
    """How far a backfill is (contracts.backfill)."""

    id: str
    next: int = 1
    """The number of its next step."""
    first: dict[str, dict[str, int]] = {}
    """Source to family to the time of its first event that was read."""


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
    latest_us: int = UNHEARD_US
    """The latest event time that was heard of any source."""
    began_us: int | None = None
    """When the first event of any source was heard: nothing from before was listened to."""
    reread: Reread | None = None
    """Of a backfill that goes on."""
    refilled_by: str = ""
    """The last backfill that was completed."""
    unfilled: dict[str, int] = {}
    """Since when so much is kept of what `held` names without what backfills brought in."""
    groups: dict[str, Coverage] = {}
    """The same for acts that are grouped by some facts, by the names of the facts."""
    others: dict[str, int] = {}
    """Family to the latest time at which a source was heard of it that is not told apart."""

    def of_group(self, name: str) -> Coverage:
        """The coverage of acts that are grouped by these facts."""
        found = self.groups.get(name)
        if found is None:
            found = self.groups[name] = Coverage(is_total=self.is_total)
        return found

    def forget_groups(self, asked: Container[str]) -> None:
        """Events went by of which only these groups were told: the others begin anew."""
        for name in [name for name in self.groups if name not in asked]:
            del self.groups[name]

    def as_now(self, source: str, group: str = "") -> Coverage:
        """A copy that an event of a source, and of a group, does not change; see `restore`."""
        twin = copy(self)
        twin.since = self.since.copy()
        families = twin.since.get(source)
        if families is not None:
            twin.since[source] = families.copy()
        twin.others = self.others.copy()
        twin.groups = self.groups.copy()
        known = twin.groups.get(group)
        if known is not None:
            twin.groups[group] = known.as_now(source)
        return twin

    def restore(self, before: Coverage) -> None:
        """It is again as it was: the event was not taken."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(before, name))

    def hears(self, source: str, family: str, at_us: int) -> bool:
        """Note an event of a source; True where it was the first of its family.

        A first event that comes late tells nothing of what happened since: the latest time that
        was heard of any source counts. One that is dated ahead covers less, never more. Only the
        very first event of a partition number is compared with nothing: the broker's time would
        cover nothing of a past that is brought in at once, as imports and rebuilds do.
        """
        self.passes(at_us)
        families = self.since.get(source)
        if families is None:
            if len(self.since) >= MOST_SOURCES:
                self.others[family] = self.latest_us
                return True
            families = self.since[source] = {}
        if family in families:
            return False
        families[family] = self.latest_us
        if self.began_us is None:
            self.began_us = self.latest_us
        return True

    def passes(self, at_us: int) -> None:
        """An event of that time was heard."""
        if at_us > self.latest_us:
            self.latest_us = at_us

    def forget(self) -> None:
        """Events went by that are not remembered: from now on the timelines begin anew."""
        self.since.clear()
        self.others.clear()
        self.groups.clear()
        self.reread = None
        self.began_us = None

    def backfilled(self, source: str, family: str, at_us: int) -> None:
        """Earlier acts of a source were brought in: it is known from `at_us`.

        `refilled` says since when what the rules read is kept of them.
        """
        if source not in self.since and len(self.since) >= MOST_SOURCES:
            return
        families = self.since.setdefault(source, {})
        families[family] = min(at_us, families.get(family, at_us))
        self.began_us = self.latest_us if self.began_us is None else self.began_us

    def refilled(self, family: str, at_us: int) -> None:
        """Of all acts of a family since `at_us` is kept again what the rules read."""
        for name in (family, f"{family}{PAIRS}"):
            held = self.held.get(name)
            if held is not None and at_us < held.since_us:
                own_us = self.unfilled.get(name, held.since_us)
                self.unfilled[name] = max(own_us, held.since_us)
                self.held[name] = msgspec.structs.replace(held, since_us=at_us)

    def known_since(self, family: str, stated: Stated = NOTHING_STATED) -> int | None:
        """From when acts of a family are known of every source that delivers it; None: never.

        A source that was connected later may hold acts from before: the latest one counts. A
        statement of the site stands in place of the first event that was heard, for a source that
        delivers everything may have had nothing to deliver; but what came before anybody listened
        is not known by it.
        """
        return self._since(family, family, stated)

    def covers_pairs(
        self, families: Iterable[str], at_us: int, not_known: Callable[[str], int]
    ) -> bool:
        """Whether all lines of these families are known that can be the other half of a pair of
        one whose use begins then; `not_known` tells before when they are not for another reason.
        """
        return all(self._covers(family, at_us, not_known) for family in families)

    def pairs_since(self, family: str) -> int | None:
        """From when lines of a family are known as halves of pairs; None: never."""
        return self._since(family, f"{family}{PAIRS}")

    def _covers(self, family: str, at_us: int, not_known: Callable[[str], int]) -> bool:
        name = f"{family}{PAIRS}"
        held = self.held.get(name)
        since = self.pairs_since(family)
        if since is None or held is None:
            return False
        return max(since, not_known(name)) <= at_us - held.span_us

    def _since(self, family: str, name: str, stated: Stated = NOTHING_STATED) -> int | None:
        if self.is_total:
            return ALWAYS_US
        found = [
            families[family]
            for source, families in list(self.since.items())
            if family in families and source not in stated
        ]
        if family in self.others:
            found.append(self.others[family])
        began_us = self.began_us
        for source, from_us in stated.items():
            heard_us = self.since.get(source, {}).get(family, began_us)
            if heard_us is not None and began_us is not None:
                found.append(max(from_us, min(began_us, heard_us)))
        if not found:
            return None
        held = self.held.get(name)
        return max(*found, ALWAYS_US if held is None else held.since_us)

    def keep(self, horizon: Horizon) -> None:
        """From now on keep what a horizon asks for; what was kept before stays as it was.

        To be called before `hears` tells of the first event that is kept so. A family that is
        new, or of which more facts are read, is covered from there on; a longer window reaches as
        far back as the shorter one did, and grows.
        """
        if horizon.digest != self.horizon:
            self.held = self._held_for(horizon)
            self.horizon = horizon.digest
            self.reread = None  # what was brought in so far was kept for other rules

    def kept_for(self, horizon: Horizon) -> Coverage:
        """The same as it would be with `keep`; it is not changed.

        For timers: one that cannot be evaluated leaves no trace in the order of record.
        """
        if horizon.digest == self.horizon:
            return self
        held = self._held_for(horizon)
        return msgspec.structs.replace(self, held=held, horizon=horizon.digest)

    def _held_for(self, horizon: Horizon) -> dict[str, Held]:
        found: dict[str, Held] = {}
        is_first = not self.since
        for name, facts, span_us, _ in horizon.held:
            held = self.held.get(name)
            if is_first:
                since = ALWAYS_US
            elif held is None or not set(facts) <= set(held.facts):
                since = self.latest_us
            elif span_us > held.span_us:
                since = max(held.since_us, self.latest_us - held.span_us)
            else:
                since = held.since_us
            found[name] = Held(facts, span_us, since)
        return found

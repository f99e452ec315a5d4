"""Events decided on both sides with what each side remembers, and what is different in the end.

Each side has memories of its own, as if it alone had been in force. Decisions about an event are
compared at once; what timers led to is compared at the end, as it stands then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from heapq import heappop, heappush
from typing import Final, NamedTuple

from contracts.decision import Decision
from contracts.event import Event
from rules import words
from rules.engine.asked import EVENT
from rules.engine.evaluator import Evaluator
from rules.facts.remembered import LISTS as REMEMBERED
from rules.memory import ties
from rules.memory.attendant import Attendant, MemorySettings
from rules.memory.coverage import Coverage
from rules.memory.model import NEVER_US, Memory, event_key
from rules.model import Rule, facts_of, histories_of, somes_of
from rules.replay.about import About
from rules.replay.compare import Change, Comparer

_PATIENT: Final = "patient."
_IDENTITY: Final = "patient.id"


def needs_past(rules: Iterable[Rule]) -> bool:
    """Whether any of the rules looks back, waits, tells only once within a time, is about pairs, or
    reads what may be remembered of a patient."""
    return any(_needs_past(body) for rule in rules for body in rule.bodies)


def _needs_past(rule: Rule) -> bool:
    if rule.expect is not None or rule.finding.once_within is not None:
        return True
    if rule.each in REMEMBERED or rule.each == words.INTERACTIONS:
        return True
    trees = (rule.scope, rule.when, rule.unless)
    return any(
        histories_of(tree)
        or any(some.each in REMEMBERED for some in somes_of(tree))
        or any(name.startswith(_PATIENT) and name != _IDENTITY for name in facts_of(tree))
        for tree in trees
    )


class Numbered(NamedTuple):
    """A change, and the line of the event that it is about."""

    line: int
    change: Change


class Remembering:
    """Compares the events of some patients, in their order."""

    def __init__(self, comparer: Comparer, lateness_s: float = 0.0) -> None:
        self._comparer = comparer
        settings = MemorySettings(lateness_s)
        self._before = _Side(comparer.before, settings, comparer.types)
        self._after = _Side(comparer.after, settings, comparer.types)
        self._affected: set[int] = set()

    @property
    def next_us(self) -> int:
        """No timer fires before this; NEVER_US where none is set."""
        return min(self._before.next_us, self._after.next_us)

    def hears(self, source: str, family: str, at_us: int) -> None:
        """Note the first event of a family from a source, whoever it is about."""
        for side in (self._before, self._after):
            side.coverage.hears(source, family, at_us)

    def passes(self, at_us: int) -> None:
        """An event of that time came, whoever it is about."""
        for side in (self._before, self._after):
            side.coverage.passes(at_us)

    def knows(self, event: Event) -> bool:
        """Whether the event came before."""
        return self._before.knows(event)

    def compare(self, event: Event, line: int) -> list[Change]:
        """Everything that the sides say differently of an event; both remember it."""
        before = self._before.take(event, line)
        after = self._after.take(event, line)
        if event.type not in self._comparer.types:
            return []
        self._comparer.looks_at(event)
        changes = self._comparer.differences(About.event(event), before, after)
        if changes:
            self._affected.add(line)
        return changes

    def fire(self, clock_us: int) -> None:
        """The timers whose time has come, in their order."""
        for side in (self._before, self._after):
            side.fire(clock_us)

    def finish(self) -> Iterator[Numbered]:
        """What timers led to on each side, and what is different; the tally is complete then."""
        old, new = self._before.stands, self._after.stands
        for place in sorted(old.keys() | new.keys()):
            before, after = old.get(place), new.get(place)
            said = before or after
            assert said is not None
            line, cause = place
            for change in self._comparer.differences(About.decision(said), before, after, cause):
                self._affected.add(line)
                yield Numbered(line, change)
        tally = self._comparer.tally
        tally.affected += len(self._affected)
        tally.timers = [self._before.timers, self._after.timers]
        tally.retracted = [self._before.retracted, self._after.retracted]


class _Side:
    """One side with what it remembers, and what stands of what its timers led to."""

    def __init__(
        self, evaluator: Evaluator, settings: MemorySettings, types: frozenset[str]
    ) -> None:
        self._attendant = Attendant(evaluator, settings)
        self._types = types
        self.coverage = Coverage()
        self.coverage.keep(self._attendant.horizon)
        self.memories: dict[str, Memory] = {}
        self.stands: dict[tuple[int, str], Decision] = {}
        """By the line of the event and the cause."""
        self.timers = 0
        self.retracted = 0
        self._lines: dict[str, int] = {}
        """Where events stand about which timers decide."""
        self._hints: list[tuple[int, str]] = []

    @property
    def next_us(self) -> int:
        return self._hints[0][0] if self._hints else NEVER_US

    def take(self, event: Event, line: int) -> Decision | None:
        """The event's own decision; None where no rule is about such events."""
        home = ties.found(self.memories, event.subject)
        memory = self.memories.get(home)
        if memory is None:
            memory = self.memories[home] = Memory()
        asked = self._attendant.meet(event, "", memory, self.coverage)
        own = None
        if event.type in self._types:
            taken = self._attendant.answer(event, "", asked)
            own, *further = taken.decisions
            if own.waiting:
                self._lines[event_key(event.source, event.id)] = line
        elif memory.timers:
            further = list(self._attendant.settle(event, asked).decisions)
        else:
            further = []
        self._keep(further)
        self._hint(home, memory)
        self._tie(event, home, memory)
        return own

    def knows(self, event: Event) -> bool:
        """Whether the event came before."""
        key = event_key(event.source, event.id)
        names = (event.subject, ties.found(self.memories, event.subject))
        return any(name in self.memories and key in self.memories[name].seen for name in names)

    def _tie(self, event: Event, home: str, memory: Memory) -> None:
        """Let what an event says of identities come true."""
        known = partial(self._attendant.known, coverage=self.coverage)
        mails = ties.tied(event, memory, home, partial(known, memory))
        for name in ties.delivered(self.memories, mails, known):
            self._hint(name, self.memories[name])

    def fire(self, clock_us: int) -> None:
        while self._hints and self._hints[0][0] <= clock_us:
            fire_us, subject = heappop(self._hints)
            memory = self.memories[subject]
            timers = memory.timers.values()
            at_us, timer = min(((t.fire_us, t.id) for t in timers), default=(NEVER_US, ""))
            if at_us != fire_us:
                continue  # it moved or is gone; where it moved there is another hint
            decisions = self._attendant.fire(memory, self.coverage, timer, clock_us).decisions
            self.timers += len(decisions)
            self._keep(decisions)
            self._hint(subject, memory)

    def _hint(self, subject: str, memory: Memory) -> None:
        if memory.timers and memory.next_us != NEVER_US:
            heappush(self._hints, (memory.next_us, subject))

    def _keep(self, decisions: Iterable[Decision]) -> None:
        for decision in decisions:
            assert decision.cause != EVENT
            ref = decision.event
            self.retracted += decision.retracted is not None
            self.stands[self._lines[event_key(ref.source, ref.id)], decision.cause] = decision

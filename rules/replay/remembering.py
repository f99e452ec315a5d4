"""Events decided on both sides with what each side remembers, and what is different in the end.

Each side has memories of its own, as if it alone had been in force. Decisions about an event are
compared at once; what timers led to is compared at the end, as it stands then.

Patients come first and say which groups hear of an event; with that their groups can be compared
anywhere else, in the same order of events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Final, NamedTuple

from contracts.decision import Decision
from contracts.event import EVENT_TYPES, Event
from rules import words
from rules.engine.asked import EVENT
from rules.engine.evaluator import Evaluator
from rules.facts.remembered import LISTS as REMEMBERED
from rules.grouping import facts_of_key
from rules.memory import ties
from rules.memory.attendant import MemorySettings
from rules.memory.coverage import Coverage
from rules.memory.groups import Attendants
from rules.memory.instants import us_of
from rules.memory.model import NEVER_US, Memory, event_key
from rules.memory.taken import Activity
from rules.model import Rule, facts_of, histories_of, somes_of
from rules.replay.about import About
from rules.replay.compare import Change, Comparer

_PATIENT: Final = "patient."
_IDENTITY: Final = "patient.id"


def needs_past(rules: Iterable[Rule]) -> bool:
    """Whether any of the rules looks back, waits, tells only once within a time, is about groups or
    pairs, or reads what may be remembered of a patient."""
    return any(_needs_past(body) for rule in rules for body in rule.bodies)


def _needs_past(rule: Rule) -> bool:
    if rule.expect is not None or rule.finding.once_within is not None or rule.group_by:
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


class ToGroups(NamedTuple):
    """The groups that hear of the event of a line, in the baseline and in the candidate."""

    line: int
    before: tuple[Activity, ...]
    after: tuple[Activity, ...]


class Remembering:
    """Compares the events of some patients, or of some groups, in their order."""

    def __init__(self, comparer: Comparer, lateness_s: float = 0.0) -> None:
        self._comparer = comparer
        settings = MemorySettings(lateness_s)
        self._before = _Side(comparer.before, settings, comparer.types)
        self._after = _Side(comparer.after, settings, comparer.types)
        self.to_groups: list[ToGroups] = []
        """Who else hears of the events of the patients."""

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
        before, told_before = self._before.take(event, line)
        after, told_after = self._after.take(event, line)
        if told_before or told_after:
            self.to_groups.append(ToGroups(line, told_before, told_after))
        if event.type not in self._comparer.types:
            return []
        self._comparer.looks_at(event)
        return self._comparer.differences(About.event(event), before, after)

    def join(
        self, event: Event, told: ToGroups, is_mine: Callable[[str], bool]
    ) -> Iterator[tuple[int, Change]]:
        """Everything that the sides say differently of an event in those of its groups that are
        compared here, each with the number of its group among all."""
        before = self._before.join(event, told.before, told.line, is_mine)
        after = self._after.join(event, told.after, told.line, is_mine)
        about = About.event(event)
        keys = sorted({activity.key for activity in (*told.before, *told.after)})
        for number, key in enumerate(keys):
            for change in self._comparer.differences(about, before.get(key), after.get(key)):
                yield number, change

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
            line, _, cause = place
            for change in self._comparer.differences(About.decision(said), before, after, cause):
                yield Numbered(line, change)
        tally = self._comparer.tally
        tally.timers = [self._before.timers, self._after.timers]
        tally.retracted = [self._before.retracted, self._after.retracted]


class _Side:
    """One side with what it remembers, and what stands of what its timers led to."""

    def __init__(
        self, evaluator: Evaluator, settings: MemorySettings, types: frozenset[str]
    ) -> None:
        self._attendants = Attendants(evaluator, settings)
        self._attendant = self._attendants.patients
        self._types = types
        self.coverage = Coverage()
        self.coverage.keep(self._attendant.horizon)
        self.memories: dict[str, Memory] = {}
        """Of patients and groups."""
        self.stands: dict[tuple[int, str, str], Decision] = {}
        """By the line of the event, the scope and the cause."""
        self.timers = 0
        self.retracted = 0
        self._lines: dict[str, int] = {}
        """Where events stand about which timers decide."""
        self._hints: list[tuple[int, str]] = []
        self._messages = count(1)

    @property
    def next_us(self) -> int:
        return self._hints[0][0] if self._hints else NEVER_US

    def take(self, event: Event, line: int) -> tuple[Decision | None, tuple[Activity, ...]]:
        """The event's own decision, None where no rule is about such events; and its groups."""
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
        told = self._attendants.told(event, memory)
        self._tie(event, home, memory)
        return own, told

    def join(
        self, event: Event, told: Iterable[Activity], line: int, is_mine: Callable[[str], bool]
    ) -> dict[str, Decision]:
        """The decisions about an event in its groups that are remembered here, by their keys."""
        found: dict[str, Decision] = {}
        for activity in told:
            key = activity.key
            if not is_mine(key):
                self._overhears(event, key)
                continue
            memory = self.memories.setdefault(key, Memory())
            taken = self._attendants.join(event, "", memory, self.coverage, activity)
            if taken.decisions:  # else it came before
                found[key], *further = taken.decisions
                if found[key].waiting:
                    self._lines[event_key(event.source, event.id)] = line
                self._keep(further)
            self._hint(key, memory)
        return found

    def _overhears(self, event: Event, key: str) -> None:
        """Take note of what all groups of a kind depend on: which source delivers what."""
        name = facts_of_key(key)
        attendant, coverage = self._attendants.groups[name], self.coverage.of_group(name)
        coverage.keep(attendant.horizon)
        family, verb, _ = EVENT_TYPES[event.type]
        if verb != "draft" and key in attendant.keys(event).lines:
            coverage.hears(event.source, family, us_of(event.time))

    def knows(self, event: Event) -> bool:
        """Whether the event came before."""
        key = event_key(event.source, event.id)
        names = (event.subject, ties.found(self.memories, event.subject))
        return any(name in self.memories and key in self.memories[name].seen for name in names)

    def _tie(self, event: Event, home: str, memory: Memory) -> None:
        """Let what an event says of identities come true."""
        known = partial(self._attendant.known, coverage=self.coverage)
        mails = ties.tied(event, memory, home, partial(known, memory))
        for name in ties.delivered(self.memories, mails, known, self._messages):
            self._hint(name, self.memories[name])

    def fire(self, clock_us: int) -> None:
        while self._hints and self._hints[0][0] <= clock_us:
            fire_us, subject = heappop(self._hints)
            memory = self.memories[subject]
            timers = memory.timers.values()
            at_us, timer = min(((t.fire_us, t.id) for t in timers), default=(NEVER_US, ""))
            if at_us != fire_us:
                continue  # it moved or is gone; where it moved there is another hint
            decisions = self._attendants.fire(memory, self.coverage, timer, clock_us).decisions
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
            line = self._lines[event_key(ref.source, ref.id)]
            self.stands[line, decision.scope, decision.cause] = decision

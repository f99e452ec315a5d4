"""The step that worker, replay, tests and offline evaluation share: an event meets a memory.

Given the same rules, memory and event the outcome is the same, always and everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from contracts.backfill import Backfill
from contracts.decision import Decision, Repeat
from contracts.event import EVENT_TYPES, Event
from contracts.identity import decision_id
from rules.engine.asked import LATE, Asked
from rules.engine.duties import Duty
from rules.engine.evaluator import Evaluator
from rules.engine.run import service_day
from rules.facts.base import Context
from rules.memory import applying, bringing, delivery, merging, person, versions
from rules.memory.coverage import ALWAYS_US, Coverage
from rules.memory.deadlines import Deadlines, waiting_until
from rules.memory.horizon import PAIRS, Horizon
from rules.memory.instants import instant_of, us_of
from rules.memory.model import NEVER_US, Act, Memory, Seen, act_key, event_key
from rules.memory.recalled import Recalled
from rules.memory.statements import stated
from rules.memory.taken import Taken
from rules.memory.ties import home_of
from rules.memory.uncovered import Uncovered, looks_of, uncovered

_FORGET_EVERY: Final = 32
"""Events of a subject between two looks at what is old."""
_TELLING: Final = 16
"""So much of a digest is remembered: enough to tell two contents of one key apart."""


@dataclass(frozen=True)
class MemorySettings:
    """How long post-event rules wait for late data. 0 decides them at once."""

    lateness_s: float = 0.0


class Attendant:
    """Takes events and timers, each with the memory of its subject. For one thread."""

    def __init__(
        self, evaluator: Evaluator, settings: MemorySettings = MemorySettings(), group: str = ""
    ) -> None:
        """`group` names what acts are grouped by (`practitioner.id`); "": patients."""
        self.evaluator = evaluator
        self.group = group
        self.lateness_us = int(settings.lateness_s * 1_000_000)
        rules = evaluator.pack.rules
        self.horizon = Horizon.of(rules, evaluator.knowledge, group=group)
        self._deadlines = Deadlines(evaluator, group)
        self._looks = looks_of(rules, evaluator.knowledge, group)

    def take(
        self, event: Event, digest: str, memory: Memory, coverage: Coverage, scope: str = "patient"
    ) -> Taken:
        """The decisions that an event leads to; the memory remembers it."""
        key = event_key(event.source, event.id)
        seen = memory.seen.get(key)
        if seen is not None:
            return self._again(event, digest, seen, scope)
        return self.answer(event, digest, self.meet(event, digest, memory, coverage, scope))

    def meet(
        self, event: Event, digest: str, memory: Memory, coverage: Coverage, scope: str = "patient"
    ) -> Asked:
        """With what an event is decided that did not come before; the memory remembers it."""
        at_us = us_of(event.time)
        coverage.keep(self.horizon)
        family, verb, _ = EVENT_TYPES[event.type]
        if verb != "draft":  # who only asks before may never tell what was signed
            coverage.hears(event.source, family, at_us)
        key = event_key(event.source, event.id)
        read = self._context(event)
        present = self._remember(event, key, digest, at_us, memory, read)
        recalled = Recalled(memory, coverage, present)
        return Asked(recalled, scope=scope, group=self.group, read=read)

    def answer(self, event: Event, digest: str, asked: Asked) -> Taken:
        """The decisions about an event that its memory has met."""
        recalled = asked.recalled
        assert recalled is not None
        memory, coverage = recalled.memory, recalled.coverage
        decision, arisen = self.evaluator.duties(event, digest, asked)
        revised: list[Decision] = []
        if decision.waiting:
            arisen, taken_back = self._deadlines.replaced(arisen, event, memory, coverage)
            revised = [delivery.limited(one, memory) for one in taken_back]
            key = event_key(event.source, event.id)
            decision = self._wait(decision, arisen, event, digest, key, memory)
        decision = delivery.limited(decision, memory)
        if not memory.timers:
            return Taken((decision, *revised))
        return Taken((decision, *revised, *self._settled(event, memory, coverage)))

    def settle(self, event: Event, asked: Asked) -> Taken:
        """What an event that no rule is about changes of earlier decisions."""
        recalled = asked.recalled
        assert recalled is not None
        if not recalled.memory.timers:
            return Taken()
        return Taken(tuple(self._settled(event, recalled.memory, recalled.coverage)))

    def _settled(self, event: Event, memory: Memory, coverage: Coverage) -> Iterator[Decision]:
        for decision in self._deadlines.settle(event, memory, coverage):
            yield delivery.limited(decision, memory, us_of(event.time))

    def fire(self, memory: Memory, coverage: Coverage, timer_id: str, clock_us: int) -> Taken:
        """The decision of a timer whose time has come; none where nothing is left to say."""
        timer = memory.timers.get(timer_id)
        if timer is None or timer.fire_us > clock_us:
            return Taken(changed=False)
        at_us = timer.fire_us if timer.kind != LATE else None
        known = coverage.kept_for(self.horizon)
        fired = self._deadlines.fire(timer, memory, known, clock_us)
        return Taken(tuple(delivery.limited(one, memory, at_us) for one in fired))

    def next_due_us(self, memory: Memory) -> int | None:
        """The earliest time at which one of its timers fires; None where none does."""
        found = memory.next_us
        return None if found == NEVER_US else found

    def due(self, memory: Memory, clocks_us: Mapping[str, int]) -> list[tuple[int, str]]:
        """The timers whose time has come by the clock of their source: (time, id), in order."""
        return sorted(
            (timer.fire_us, timer.id)
            for timer in memory.timers.values()
            if timer.fire_us <= clocks_us.get(timer.source, -1)
        )

    def step(self, coverage: Coverage, step: Backfill) -> bool:
        """Whether a step of a backfill is to be done; the last one changes what is known."""
        if not bringing.begins(coverage, self.horizon, step.id, step.number):
            return False
        if step.complete:
            bringing.ends(coverage, step.complete)
        return True

    def bring(self, event: Event, digest: str, memory: Memory, coverage: Coverage) -> bool:
        """Bring a past event into the timeline; whether the memory is another one now.

        Nothing is decided and no timer is set. Of an event that was not answered, or not lately,
        is learned what it says of the patient as well.
        """
        is_changed = self._bring(event, digest, memory, coverage)
        bringing.notes(coverage, event)  # not of one that failed, which is not known
        return is_changed

    def _bring(self, event: Event, digest: str, memory: Memory, coverage: Coverage) -> bool:
        family = EVENT_TYPES[event.type].family
        if home_of(memory):
            return False  # where the person is remembered, nothing is called known by this
        if not bringing.is_wanted(event, digest[:_TELLING], memory):
            return False
        at_us = us_of(event.time)
        is_new = event_key(event.source, event.id) not in memory.seen
        if is_new:
            person.learn(event, at_us, memory, self.evaluator.knowledge)
        kept = self.horizon.families.get(family)
        if kept is not None:
            act = applying.act_of(event, at_us, self._context(event), kept)
            latest_us = max(memory.latest_us, coverage.latest_us)
            if max(act.at_us, act.event_us) >= latest_us - kept.longest_us - self.lateness_us:
                is_new |= bringing.bring(memory, act)
        return is_new

    def known(self, memory: Memory, coverage: Coverage) -> dict[str, int]:
        """By family, and for its halves of pairs, the time before which acts are not known.

        Families of which everything is known are left out.
        """
        recalled = Recalled(memory, coverage.kept_for(self.horizon))
        latest_us = max(memory.latest_us, coverage.latest_us)
        at = instant_of(latest_us)
        zone = self.evaluator.zone("", at)
        found: dict[str, int | None] = {}
        for family, kept in self.horizon.families.items():
            said = stated(self.evaluator.knowledge, family, at.astimezone(zone).date(), zone)
            found[family] = recalled.known_since(family, said)
            if kept.halves is not None:
                found[f"{family}{PAIRS}"] = recalled.pairs_since(family)
        sinces = {name: latest_us if us is None else us for name, us in found.items()}
        return {name: since for name, since in sinces.items() if since > ALWAYS_US}

    def uncovered(self, coverage: Coverage) -> list[Uncovered]:
        """The rules that look back further than is known; from any thread."""
        evaluator = self.evaluator
        known = coverage.kept_for(self.horizon)
        return uncovered(self._looks, known, evaluator.knowledge, lambda at: evaluator.zone("", at))

    def _again(self, event: Event, digest: str, seen: Seen, scope: str) -> Taken:
        if seen.digest != digest[:_TELLING]:
            return Taken(reused=True, changed=False)
        name = decision_id(event.key, scope, "event")
        repeat = Repeat(decision_id=name, source=event.source, id=event.id)
        return Taken(repeat=repeat, changed=False)

    def _remember(
        self, event: Event, key: str, digest: str, at_us: int, memory: Memory, read: Context
    ) -> Act | None:
        """Put the event into the memory; the act as the timeline keeps it."""
        if len(memory.seen) % _FORGET_EVERY == _FORGET_EVERY - 1:
            applying.forget(memory, self.horizon, self.lateness_us)
            self._deadlines.forget(memory)
            delivery.forget(memory, self.lateness_us)
            versions.forget(memory, self.lateness_us)
        memory.seen[key] = Seen(digest[:_TELLING], at_us)
        memory.latest_us = max(memory.latest_us, at_us)
        family, verb, _ = EVENT_TYPES[event.type]
        of = event.subject if event.subject in memory.links else ""
        kept = self.horizon.families.get(family)
        present = None
        if kept is not None:
            present = applying.act_of(event, at_us, read, kept)
            if verb != "draft":
                self._deadlines.revising.hears(event, digest, present, memory, self.lateness_us)
                versions.enter(memory, present, self.lateness_us)
        if verb != "draft" and not self.group:  # a group knows nothing of its patients
            person.learn(event, at_us, memory, self.evaluator.knowledge, of)
        if memory.links and verb != "draft":
            act = act_key(event.source, family, event.data.act_id)
            if merging.says(memory, act, event, at_us):
                merging.came(memory, act, of)
        return present

    def _context(self, event: Event) -> Context:
        """What kept facts are read from."""
        knowledge = self.evaluator.knowledge
        zone = self.evaluator.zone(event.data.institution, event.time)
        return Context(event, service_day(event, zone), zone, knowledge)

    def _wait(
        self, decision: Decision, arisen: list[Duty], event: Event, digest: str, key: str,
        memory: Memory,
    ) -> Decision:  # fmt: skip
        """Remember what is decided later; the decision says until when."""
        until = None
        if any(one.why == "late_data" for one in decision.waiting):
            until = us_of(event.time) + self.lateness_us
            decision = waiting_until(decision, until)
        self._deadlines.set(arisen, event, digest, key, memory, decision.scope, until)
        return decision

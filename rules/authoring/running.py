"""Runs a timeline: one rule, one patient and its groups, the clock as the steps say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from contracts.decision import Decision, Finding
from contracts.event import Event
from knowledge_base import KnowledgeBase
from rules import words
from rules.authoring.comparing import Difference, alerts_differ, compare, written
from rules.authoring.explain import Explainer, Explanation, Truths
from rules.authoring.shorthand import DEFAULT_INSTITUTION, ShorthandError, event_of
from rules.authoring.subjects import Standing, Subjects, Waiting
from rules.authoring.timelines import NOTHING_SAID, Moment, Outcome, Timeline
from rules.authoring.virtual import START, TIMED, at_of, in_calendar, instant
from rules.engine.evaluator import Evaluator
from rules.memory.instants import us_of
from rules.pack import Pack

_START: Final = datetime(*START, tzinfo=UTC)
_MOST: Final = 10_000
"""More firings than any timeline needs: a timer that never ends is a mistake of ours."""


@dataclass(frozen=True)
class Said:
    """One thing that a decision says."""

    word: str
    value: Any
    """The finding, the retraction, what waits; or the missing facts."""


@dataclass(frozen=True)
class Played:
    """What one step of a timeline came to."""

    moment: Moment
    at: datetime
    decisions: tuple[Decision, ...]
    explained: tuple[tuple[Event, Explanation], ...]
    """Why, each with its event: of the duties that were due, then of the step's own event, for the
    patient and for each group."""
    duties: tuple[Standing, ...]
    """Those that are known after it."""
    diffs: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Ran:
    """What a timeline came to."""

    got: str
    """alert where one step alerted, else what the last event came to."""
    steps: tuple[Played, ...] = ()
    error: str = ""

    @property
    def diffs(self) -> tuple[Difference, ...]:
        return tuple(one for step in self.steps for one in step.diffs)

    @property
    def decisions(self) -> tuple[Decision, ...]:
        return tuple(one for step in self.steps for one in step.decisions)

    @property
    def missing(self) -> tuple[str, ...]:
        """The facts that are missing, to decide or to exempt."""
        told = [one for decision in self.decisions for one in said_by(decision)]
        return tuple(dict.fromkeys(fact for one in told for fact in _missing(one)))

    @property
    def truths(self) -> Truths:
        """What each condition came to."""
        explained = [one for step in self.steps for _, one in step.explained]
        return tuple(truth for one in explained for truth in one.truths())


def run_timeline(timeline: Timeline, rule_id: str, explainer: Explainer) -> Ran:
    """The timeline of a rule, from an empty and complete memory."""
    return _Run(timeline, rule_id, explainer).ran()


def events_of(timeline: Timeline, knowledge: KnowledgeBase) -> tuple[tuple[Event, tzinfo], ...]:
    """The events of a timeline in their order, each with its institution's time zone."""
    evaluator = Evaluator(Pack.of([]), knowledge)
    zone = _zone_of(timeline, evaluator)
    found = []
    for moment in timeline.moments:
        if moment.event is not None:
            event = _event_of(moment, zone, knowledge)
            found.append((event, evaluator.zone(event.data.institution, event.time)))
    return tuple(found)


class _Run:
    def __init__(self, timeline: Timeline, rule_id: str, explainer: Explainer) -> None:
        self._timeline = timeline
        self._rule_id = rule_id
        self._explainer = explainer
        evaluator = self._evaluator = explainer.evaluator
        self._subjects = Subjects(evaluator)
        self._zone = _zone_of(timeline, evaluator)

    def ran(self) -> Ran:
        steps: list[Played] = []
        for moment in self._timeline.moments:
            try:
                steps.append(self._step(moment))
            except ShorthandError as e:
                error = f"line {moment.line}: the event cannot be made: {e}"
                return Ran("no event", tuple(steps), error)
        told = [one for step in steps for decision in step.decisions for one in said_by(decision)]
        return Ran(self._got(told), tuple(steps))

    def _got(self, told: list[Said]) -> str:
        if any(one.word == "alert" for one in told):
            return "alert"
        return told[-1].word if told else "silent"

    def _step(self, moment: Moment) -> Played:
        at = instant(moment.at, self._zone)
        decisions: list[Decision] = []
        explained: list[tuple[Event, Explanation]] = []
        self._fire(us_of(at), decisions, explained)
        if moment.event is not None:
            event = _event_of(moment, self._zone, self._evaluator.knowledge)
            # What each condition comes to is asked with copies of the memories.
            for mine, asked in self._subjects.meetings(event):
                explained.append((mine, self._explainer.explain(self._rule_id, mine, asked)))
            decisions += self._subjects.take(event)
            self._fire(us_of(at), decisions, explained)
        diffs = tuple(self._differences(moment, decisions))
        duties = tuple(self._subjects.duties())
        return Played(moment, at, tuple(decisions), tuple(explained), duties, diffs)

    def _fire(
        self, now_us: int, decisions: list[Decision], explained: list[tuple[Event, Explanation]]
    ) -> None:
        """Adds the decisions of the timers that are due, in their order, and why."""
        for _ in range(_MOST):
            waiting = self._subjects.next()
            if waiting is None or waiting.fire_us > now_us:
                return
            for decision in self._subjects.fire(waiting).decisions:
                decisions.append(decision)
                explained.append(self._explained(waiting, decision))
        raise RuntimeError("a timer fires for ever")

    def _explained(self, waiting: Waiting, decision: Decision) -> tuple[Event, Explanation]:
        """Why a duty that was due came to this: what exempts from it is asked then."""
        event, element, asked = self._subjects.due(waiting, decision.cause)
        found = self._explainer.explain(self._rule_id, event, asked)
        mine = tuple(one for one in found.elements if one.element == element)
        return event, replace(found, decision=decision, elements=mine)

    def _differences(self, moment: Moment, decisions: list[Decision]) -> Iterator[Difference]:
        got = [one for decision in decisions for one in said_by(decision)]
        loud = [one for one in got if one.word not in NOTHING_SAID]
        head = f"line {moment.line}"
        if moment.expect is None:
            wrong = [one for one in loud if one.word in ("alert", "retracted")]
            yield from (Difference(head, "nothing to be said", shown(one)) for one in wrong)
            return
        wanted = moment.expect
        if len(wanted) == 1 and wanted[0].word in NOTHING_SAID:
            last = got[-1].word if got else "silent"
            if loud or last != wanted[0].word:
                told = "; ".join(map(shown, loud)) or last
                yield Difference(head, wanted[0].word, told)
            return
        if [one.word for one in loud] != [one.word for one in wanted]:
            told = "; ".join(map(shown, loud)) or "silent"
            yield Difference(head, "; ".join(map(str, wanted)), told)
            return
        for one, outcome in zip(loud, wanted, strict=True):
            yield from self._parts(head, one, outcome)

    def _parts(self, head: str, got: Said, wanted: Outcome) -> list[Difference]:
        if isinstance(got.value, Finding):
            return alerts_differ([wanted.parts], [got.value], f"{head}: ")
        if isinstance(got.value, tuple):
            if set(wanted.facts) <= set(got.value):
                return []
            return [Difference(head, str(wanted), shown(got))]
        found: list[Difference] = []
        whole = {name: self._timed(name, part) for name, part in wanted.parts.items()}
        compare(whole, written(got.value), "", found)
        return [Difference(f"{head}: {d.part}", d.expected, d.got) for d in found]

    def _timed(self, name: str, part: Any) -> Any:
        """A virtual time as the records write it."""
        at = at_of(part) if name == "until" or TIMED.search(name) else None
        return part if at is None else instant(at, self._zone).astimezone(UTC).isoformat()


def _missing(said: Said) -> tuple[str, ...]:
    """The facts that are missing, to decide or to exempt."""
    if isinstance(said.value, Finding):
        return said.value.exemption_unverified
    return said.value if isinstance(said.value, tuple) else ()


def said_by(decision: Decision) -> list[Said]:
    """What a decision says, in order; one of NOTHING_SAID where it says nothing."""
    found = [Said("alert", finding) for finding in decision.findings]
    if decision.retracted is not None:
        found.append(Said("retracted", decision.retracted))
    missing = [lack.fact for entry in decision.not_evaluable for lack in entry.missing]
    if missing:
        found.append(Said("not_evaluable", tuple(dict.fromkeys(missing))))
    open_facts = [g.fact for g in decision.undetermined if g.fact != words.INTERACTIONS]
    if open_facts:
        found.append(Said("undetermined", tuple(dict.fromkeys(open_facts))))
    found += [Said("waiting", one) for one in decision.waiting]
    return found or [Said(_quiet(decision), None)]


def _quiet(decision: Decision) -> str:
    counted = decision.coverage
    if counted.exempt:
        return "exempt"
    return "silent" if counted.silent else "does_not_apply"


def shown(said: Said) -> str:
    """For a message: what was said."""
    if isinstance(said.value, Finding):
        return f"alert: {said.value.message.en}"
    if isinstance(said.value, tuple):
        return f"{said.word}: {', '.join(said.value)}"
    why = getattr(said.value, "why", "")
    return f"{said.word}: {why}" if why else said.word


def _event_of(moment: Moment, zone: tzinfo, knowledge: KnowledgeBase) -> Event:
    arrives = instant(moment.at, zone)
    time = arrives if moment.time is None else instant(moment.time, zone)
    if time > arrives:  # of two times of one kind the reader has told it already
        raise ShorthandError("it happens after it arrives; let `at` be the same or later")
    short = {**in_calendar(moment.event, zone), "at": time.isoformat()}
    return event_of(short, knowledge)


def _zone_of(timeline: Timeline, evaluator: Evaluator) -> tzinfo:
    """The time zone of the institution of the first event."""
    events = (moment.event for moment in timeline.moments if moment.event is not None)
    first: dict[str, Any] = next(events, {})
    at = next((m.at for m in timeline.moments if isinstance(m.at, datetime)), _START)
    return evaluator.zone(str(first.get("institution", DEFAULT_INSTITUTION)), at)

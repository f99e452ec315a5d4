"""What became of a duty, as the timeline tells it: it waits, was fulfilled, or ended.

The answer depends on the acts that are known, never on the order in which they came to be known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Any, Final

from knowledge_base import KnowledgeBase
from rules.engine.compiler import compile_condition
from rules.engine.constants import boundaries, epoch_start
from rules.expect_model import Expect
from rules.facts import fact_of
from rules.facts.base import Element
from rules.facts.past import PAST, THIS
from rules.facts.restoring import restore
from rules.logic import Truth
from rules.memory.applying import counts
from rules.memory.coverage import Coverage
from rules.memory.history import restored
from rules.memory.horizon import TRUSTED, expected_facts
from rules.memory.model import Act, Memory, Raw, Timer
from rules.memory.recalled import Recalled
from rules.memory.statements import stated
from rules.model import Rule

WAITS: Final = ""
SATISFIED: Final = "in_time"
ENDED: Final = "ended"
VOIDED: Final = "voided"
REVISED: Final = "revised"
"""The rule expects nothing of the act as it is known now, or something else."""
GONE: Final = "gone"
"""The rule is not in the pack any more."""
_ABSENT: Final = "stated_absent"


@dataclass(frozen=True, slots=True)
class Settled:
    """How a duty stands. `due_us` is when it is due, extensions included."""

    state: str
    due_us: int
    by: Act | None = None
    """The act that fulfilled or ended it."""
    is_trusted: bool = True
    is_uncertain: bool = False
    """Whether an act may have fulfilled it: its facts do not tell."""
    why: str = ""
    """Why it cannot be judged: the expected acts are not all known."""
    since_us: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when a duty arose: what conditions on the expected event ask of their context."""

    day: date
    zone: tzinfo
    since_us: int
    """When it arose: where its limit counts from, or its event where that is earlier. What ended
    before ends nothing of it."""


class Timeline(dict[str, list[Act]]):
    """The acts that count, by family; gathered when they are first asked for."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def __missing__(self, family: str) -> list[Act]:
        acts = self.memory.acts.values()
        found = self[family] = [act for act in acts if act.family == family and counts(act)]
        return found


class Duties:
    """Settles duties with the rules of one pack."""

    def __init__(self, knowledge: KnowledgeBase) -> None:
        self._knowledge = knowledge
        self._days: dict[int, tuple[Rule, tuple[date, ...]]] = {}
        self._where: dict[tuple[int, date], Any] = {}

    def settle(
        self, timer: Timer, rule: Rule | None, place: Place, acts: Timeline, coverage: Coverage
    ) -> Settled:
        """How a duty stands now, judged by the knowledge of a day."""
        if rule is None or rule.expect is None:
            return Settled(GONE, timer.due_us)
        expect = rule.expect
        act = acts.memory.acts.get(timer.act)
        if act is not None and not counts(act):
            return Settled(VOIDED, timer.due_us, act)
        if timer.is_denied:
            return Settled(REVISED, timer.due_us, act)
        due = self._extended(timer, expect, acts)
        for event in expect.until:
            for ended, at, _ in _went_through(acts, event, timer, expect):
                if not _is_own(ended, event, timer, rule) and place.since_us <= at <= due:
                    return Settled(ENDED, due, ended)
        return self._fulfilled(timer, rule, expect, due, place, acts, coverage)

    def _extended(self, timer: Timer, expect: Expect, acts: Timeline) -> int:
        if expect.extend is None:
            return timer.due_us
        times = [at for _, at, _ in _went_through(acts, expect.extend[0], timer, expect)]
        return max([timer.due_us, *(at + timer.extend_us for at in times if at >= timer.from_us)])

    def _fulfilled(
        self, timer: Timer, rule: Rule, expect: Expect, due: int, place: Place, acts: Timeline,
        coverage: Coverage,
    ) -> Settled:  # fmt: skip
        uncertain = False
        trusting: Settled | None = None
        for act, at, agrees in _went_through(acts, expect.event, timer, expect, is_expected=True):
            if _is_own(act, expect.event, timer, rule) or not timer.from_us <= at <= due:
                continue
            fits = self._fits(timer, rule, expect, act, place)
            if fits is False:
                continue
            if fits is None or agrees is None:
                uncertain = True
            else:
                if act.facts.get(TRUSTED, act.family != "document") is True:
                    return Settled(SATISFIED, due, act)
                trusting = trusting or Settled(SATISFIED, due, act, is_trusted=False)
        if trusting is not None:
            return trusting
        family = expect.event.partition(".")[0]
        said = stated(self._knowledge, family, place.day, place.zone)
        since = Recalled(acts.memory, coverage).known_since(family, said)
        why = "" if since is not None and since <= timer.from_us else "not_covered"
        shown = since if why else None
        return Settled(WAITS, due, is_uncertain=uncertain, why=why, since_us=shown)

    def _fits(self, timer: Timer, rule: Rule, expect: Expect, act: Act, place: Place) -> Truth:
        run, facts = self._compiled(rule, expect, act.family, place.day)
        values = restored(facts, act.facts)
        for name, raw in timer.this.items():
            fact = fact_of(f"{THIS}{name}", PAST)
            if fact is not None:
                values[fact.name] = restore(fact, raw)
        truth: Truth = run(place, values, Element(None, ""), values)
        return truth

    def _compiled(self, rule: Rule, expect: Expect, family: str, day: date) -> Any:
        """What is asked of an expected event by the knowledge of a day, and the facts for it."""
        days = self._days.get(id(rule))
        if days is None or days[0] is not rule:
            days = self._days[id(rule)] = (rule, boundaries((rule,), self._knowledge))
            self._where = {name: one for name, one in self._where.items() if name[0] != id(rule)}
        epoch = epoch_start(days[1], day)
        known = self._where.get((id(rule), epoch))
        if known is None:
            run = compile_condition(expect.where, PAST, family, self._knowledge, epoch)
            found = [fact_of(name, PAST) for name in expected_facts(expect)]
            known = run, tuple(fact for fact in found if fact is not None)
            self._where[id(rule), epoch] = known
        return known


def families_of(rule: Rule | None) -> frozenset[str]:
    """The families of the events that a duty of a rule depends on; none where it has no duties."""
    if rule is None or rule.expect is None:
        return frozenset()
    expect = rule.expect
    extending = () if expect.extend is None else (expect.extend[0],)
    names = (*rule.on, expect.event, *expect.until, *extending)
    return frozenset(name.partition(".")[0] for name in names)


def _is_own(act: Act, event: str, timer: Timer, rule: Rule) -> bool:
    """Whether it is what brought the duty: an act may end by itself what its beginning brought."""
    return act.key == timer.act and event in rule.on


def _went_through(
    acts: Timeline, event: str, timer: Timer, expect: Expect, *, is_expected: bool = False
) -> Iterator[tuple[Act, int, Truth]]:
    """The acts that went through an event and agree with the duty, with the time of that.

    Of the expected event also those of which it is not known whether they agree.
    """
    family, _, verb = event.partition(".")
    match = tuple(zip(expect.match, timer.match, strict=True))
    for act in acts[family]:
        if verb not in act.reached:
            continue
        at = act.at_us if act.is_timed else act.reached[verb]
        facts = act.facts
        # An event that ends or extends a duty agrees in those of the facts that its family has.
        if all(facts[name] == value for name, value in match if name in facts):
            is_whole = not is_expected or all(name in facts for name, _ in match)
            yield act, at, True if is_whole else None
        elif is_expected and all(_may_agree(facts.get(name), value) for name, value in match):
            yield act, at, None


def _may_agree(known: Raw, value: Raw) -> bool:
    """Whether a kept fact is the value, or nobody knows; one that is stated absent is not."""
    if known is None or known == value:
        return True
    return type(known) is dict and known.get("unknown", _ABSENT) != _ABSENT

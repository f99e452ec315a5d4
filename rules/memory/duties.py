"""What became of a duty, as the timeline tells it: it waits, was fulfilled, or ended.

The answer depends on the acts that are known, never on the order in which they came to be known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, tzinfo
from operator import itemgetter
from typing import Any, Final, NamedTuple

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
from rules.memory.horizon import TRUSTED, events_of, expected_facts
from rules.memory.model import NEVER_US, Act, Memory, Raw, Timer
from rules.memory.moments import went_through_us
from rules.memory.recalled import Recalled
from rules.memory.statements import stated
from rules.model import Rule

WAITS: Final = ""
SATISFIED: Final = "in_time"
ENDED: Final = "ended"
VOIDED: Final = "voided"
REVISED: Final = "revised"
"""The rule expects nothing of the act as it is known now, or something else."""
EXTENDED: Final = "extended"
"""It waits, for longer than was known before."""
TOO_LATE: Final = "late"
"""It came true after its limit, and before it was told to more people."""
GONE: Final = "gone"
"""The rule is not in the pack any more."""
_ABSENT: Final = "stated_absent"


@dataclass(frozen=True, slots=True)
class Settled:
    """How a duty stands. `due_us` is when it is due, extensions included."""

    state: str
    due_us: int
    by: Act | None = None
    """The act that fulfilled or ended it; where it waits, what nobody vouches for extended it."""
    is_trusted: bool = True
    """Whether somebody vouches for the times by which it stands so."""
    is_uncertain: bool = False
    """Whether an act may have fulfilled it: its facts do not tell."""
    why: str = ""
    """Why it cannot be judged: the expected acts are not all known."""
    since_us: int | None = None
    over_us: int = NEVER_US
    """When it came true after all, or ended, too late for its limit or for all that is known."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when a duty arose: what conditions on the expected event ask of their context."""

    day: date
    zone: tzinfo
    since_us: int
    """When it arose: where its limit counts from, or its event where that is earlier. What ended
    before ends nothing of it."""


class Limit(NamedTuple):
    """When a duty is due."""

    due_us: int
    firm_us: int
    """The same without what extended it at a time for which nobody vouches."""
    by: Act | None = None
    """What did so last."""


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
        limit = _limit(timer, expect, acts)
        due, firm, _ = limit
        ends = [
            (at, ended)
            for event in expect.until
            for ended, at, _ in _went_through(acts, event, timer, expect)
            if not _is_own(ended, event, timer, rule) and place.since_us <= at
        ]
        at, ended = min(ends, key=itemgetter(0), default=(NEVER_US, None))
        if at <= due:
            return Settled(ENDED, due, ended, is_trusted=at <= firm)
        return self._fulfilled(timer, rule, expect, limit, at, place, acts, coverage)

    def _fulfilled(
        self, timer: Timer, rule: Rule, expect: Expect, limit: Limit, ended_us: int, place: Place,
        acts: Timeline, coverage: Coverage,
    ) -> Settled:  # fmt: skip
        due, firm, extended_by = limit
        over = ended_us
        uncertain = False
        trusting: Settled | None = None
        for act, at, agrees in _went_through(acts, expect.event, timer, expect, is_expected=True):
            if _is_own(act, expect.event, timer, rule) or at < timer.from_us:
                continue
            fits = self._fits(timer, rule, expect, act, place)
            if fits is False:
                continue
            if fits is None or agrees is None:
                uncertain |= at <= due
            elif at > due:
                over = min(over, _vouched(act, expect.event, at))
            else:
                if at <= firm and _is_trusted(act):
                    return Settled(SATISFIED, due, act)
                heard = _vouched(act, expect.event, at)
                if trusting is None or heard < trusting.over_us:
                    trusting = Settled(SATISFIED, due, act, is_trusted=False, over_us=heard)
        if trusting is not None:
            return trusting
        family = expect.event.partition(".")[0]
        said = stated(self._knowledge, family, place.day, place.zone)
        since = Recalled(acts.memory, coverage).known_since(family, said)
        why = "" if since is not None and since <= timer.from_us else "not_covered"
        shown = since if why else None
        return Settled(WAITS, due, extended_by, due == firm, uncertain, why, shown, over)

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


class Families(NamedTuple):
    """The families of the events that a duty depends on."""

    all: frozenset[str] = frozenset()
    """None where the rule has no duties."""
    extending: str = ""


def families_of(rule: Rule | None) -> Families:
    """The families of the events that a duty of a rule depends on."""
    if rule is None or rule.expect is None:
        return Families()
    expect = rule.expect
    extending = expect.extend.after if expect.extend is not None else ""
    names = (*rule.on, *events_of(expect))
    return Families(
        frozenset(name.partition(".")[0] for name in names), extending.partition(".")[0]
    )


def _limit(timer: Timer, expect: Expect, acts: Timeline) -> Limit:
    """When a duty is due: each event that extends it does so while it is not over."""
    due = firm = timer.due_us
    if expect.extend is None:
        return Limit(due, firm)
    by: Act | None = None
    extending = _went_through(acts, expect.extend.after, timer, expect)
    for act, at, _ in sorted(extending, key=lambda one: (one[1], one[0].key)):
        if not timer.from_us <= at <= due:
            continue
        extended = at + timer.extend_us
        is_firm = at <= firm and _is_trusted(act)
        if is_firm:
            firm = max(firm, extended)
        elif extended > due:
            by = act
        due = max(due, extended)
    return Limit(due, firm, by)


def _is_trusted(act: Act) -> bool:
    """Whether somebody vouches for the time of an act: of documents that must be said."""
    return act.facts.get(TRUSTED, act.family != "document") is True


def _vouched(act: Act, event: str, at_us: int) -> int:
    """When an act went through an event: that of one for whose time nobody vouches when it was
    told."""
    return at_us if _is_trusted(act) else max(at_us, act.reached[event.partition(".")[2]])


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
        facts = act.facts
        # An event that ends or extends a duty agrees in those of the facts that its family has.
        if all(facts[name] == value for name, value in match if name in facts):
            is_whole = not is_expected or all(name in facts for name, _ in match)
            yield act, went_through_us(act, event), True if is_whole else None
        elif is_expected and all(_may_agree(facts.get(name), value) for name, value in match):
            yield act, went_through_us(act, event), None


def _may_agree(known: Raw, value: Raw) -> bool:
    """Whether a kept fact is the value, or nobody knows; one that is stated absent is not."""
    if known is None or known == value:
        return True
    return type(known) is dict and known.get("unknown", _ABSENT) != _ABSENT

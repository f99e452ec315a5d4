"""The meaning of `history`, written down a second time, naively, from the design alone.

Past events are dicts in the authors' shorthand, in the order of their arrival. Every look goes
through all of them again; nothing is kept, indexed or forgotten. It shares no code with
rules.memory and the engines.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from spec.rules import reference
from spec.rules.reference import PARAMETERS, Fact, Judge, Reader

ZONES = {
    "demo-h1": ZoneInfo("Asia/Shanghai"),
    "west": ZoneInfo("America/Los_Angeles"),
    "berlin": ZoneInfo("Europe/Berlin"),
}
CARRIED_OUT = {"dispensed", "executed"}
BECOMES = {"prescription": "signed", "dispense": "dispensed", "billing": "charged"}
"""What a draft becomes, and what an amended or stopped act must have been before."""
TOLD = "dispense"
"""The family whose lines tell how much of them came back; others come back as a whole."""
LINE_FACTS = ("item.",)
UNSAID = "not_reported"

Missing = set[tuple[str, str]]


@dataclass
class Past:
    """What happened before, and since when all of it is known (None: always)."""

    events: list[dict[str, Any]]
    since: datetime | None = None


@dataclass
class Act:
    """One act with all that was heard of it."""

    id: str
    events: list[dict[str, Any]]

    @property
    def latest(self) -> dict[str, Any]:
        return max(self.events, key=lambda e: (e.get("revision", 1), time_of(e)))

    def reached(self, verb: str) -> datetime | None:
        """When it first went through a verb."""
        is_first = verb == BECOMES.get(family_of(self.events[0]))
        named = {verb, "amended", "stopped"} if is_first else {verb}
        times = [time_of(e) for e in self.events if verb_of(e) in named]
        return min(times, default=None)

    @property
    def counts(self) -> bool:
        verbs = {verb_of(e) for e in self.events}
        last = verb_of(self.latest)
        if last == "entered_in_error" or (last == "returned" and family_of(self.latest) != TOLD):
            return False
        return last != "cancelled" or bool(verbs & CARRIED_OUT)

    @property
    def closed(self) -> datetime | None:
        """When it was stopped; None where it was not, as far as its latest revision says."""
        last = verb_of(self.latest)
        return self.reached(last) if last in ("stopped", "cancelled") else None


def left(line: dict[str, Any], event: dict[str, Any]) -> bool | None:
    """Whether anything is left of a line after what came back."""
    if family_of(event) == "billing":
        given, back = (Decimal(line.get(name, 0)) for name in ("amount", "refunded"))
        return not given or back < given
    if family_of(event) != TOLD:
        return True
    told = line.get("returned", UNSAID)
    if told == UNSAID or told is None:
        return None if told == UNSAID and verb_of(event) == "returned" else True
    (came, unit), of = told.split(), line.get("quantity", UNSAID)
    if not Decimal(came) or of == UNSAID or of is None:
        return None if Decimal(came) else True
    whole, other = of.split()
    return None if unit != other else Decimal(came) < Decimal(whole)


def any_left(event: dict[str, Any]) -> bool | None:
    """Whether anything is left of an act."""
    found = {left(line, event) for line in event["items"]} or {True}
    return True if True in found else None if None in found else False


class Member(Reader):
    """The facts of a past act or line, and with `this.` those of the present."""

    def __init__(
        self, event: dict[str, Any], line: Any, at: datetime, present: Reader,
        closed: datetime | None = None,
    ) -> None:  # fmt: skip
        super().__init__(event, "items", line, at.astimezone(zone_of(event)).date())
        self.at, self.present, self.closed = at, present, closed
        self.is_left = any_left(event) if line is None else left(line, event)

    def fact(self, name: str) -> Fact:
        if name.startswith("this."):
            return self.present.fact(name.removeprefix("this."))
        return super().fact(name)

    def item_period(self) -> Fact:
        """What was stopped lasts until then, and not at all where it had not begun."""
        shape, (start, end) = super().item_period()
        if self.closed is None or (isinstance(end, datetime) and end <= self.closed):
            return shape, (start, end)
        return shape, (start, max(start, self.closed))


def truth(history: dict[str, Any], judge: Judge, past: Past) -> tuple[bool | None, Missing]:
    """Whether a condition on the past holds, and what it lacks."""
    present = judge.reader
    name = f"history.{history['of']}"
    window = window_of(history, present)
    if isinstance(window, str):
        return None, {(name, window)}
    start, starts_in, end = window
    found = []
    for member in members(history, present, past):
        inside = start <= member.at if starts_in else start < member.at
        if inside and member.at <= end:
            fits = Judge(member).tree(history["where"])[0] if "where" in history else True
            if fits and not (is_surely_here(history, member) and member.is_left):
                fits = None
            if fits is not False:
                found.append((member, fits))
    is_covered = past.since is None or past.since <= start or history.get("same") == "prescription"
    holds, lacks = answer(history, judge, found, is_covered)
    if holds is not None:
        return holds, set()
    if not is_covered:
        return None, {(name, "not_covered")}
    return None, {(name, "values_unknown" if lacks else "members_unknown")}


def answer(
    history: dict[str, Any], judge: Judge, found: list[tuple[Member, bool | None]],
    is_covered: bool,
) -> tuple[bool | None, bool]:  # fmt: skip
    """The truth, and whether values of members are what is lacking."""
    sure = sum(fits is True for _, fits in found)
    if "last" in history:
        return latest(history["last"], found, is_covered)
    if "exists" in history or "none" in history:
        there = True if sure else None if found or not is_covered else False
        wanted = "exists" in history
        return (None if there is None else there is wanted), False
    if "count" in history:
        most = len(found) if is_covered else None
        return between(history["count"], judge, sure, most), False
    asked = "sum" if "sum" in history else "distinct"
    limits = {k: v for k, v in history[asked].items() if k != "of"}
    values = [(value_of(member, history[asked]["of"]), fits) for member, fits in found]
    lacks = any(value is None for value, _ in values)
    if asked == "sum":
        low = sum(v for v, fits in values if v is not None and fits is True)
        high = sum(v for v, _ in values if v is not None)
        most_sum = high if is_covered and not lacks else None
        return between(limits, judge, low, most_sum, in_grams=True), lacks
    certain = {v for v, fits in values if v is not None and fits is True}
    possible = {v for v, _ in values if v is not None}
    most = len(possible) + sum(v is None for v, _ in values) if is_covered else None
    return between(limits, judge, len(certain), most), lacks


def value_of(member: Member, name: str) -> Any:
    """A value that is added up, in grams, or told apart; None where it is not known."""
    found = member.fact(name)
    if found[0] != "known":
        return None
    if name != "item.dose":
        return found[1]
    number, unit = reference.base(found[1])
    return number if unit == "g/" else None


def between(
    limits: dict[str, Any], judge: Judge, low: Any, high: Any, in_grams: bool = False
) -> bool | None:
    """The truth that all numbers from low to high (None: without end) have in common."""
    ((operator, operand),) = limits.items()
    named = operand if operator == "between" else [operand]
    bounds = [limit_of(one, judge, in_grams) for one in named]
    tries = {low, low + 1, *([] if high is None else [high])}
    for bound in bounds:
        tries |= {bound - 1, bound, bound + 1}
    if high is None:
        tries.add(max(tries) + 10)
    reachable = {t for t in tries if low <= t and (high is None or t <= high)}
    answers = {reference.compare(operator, one, bounds) for one in reachable}
    return answers.pop() if len(answers) == 1 else None


def limit_of(operand: Any, judge: Judge, in_grams: bool) -> Any:
    if not isinstance(operand, dict):
        return operand
    value = judge.parameter(operand, {}, set())
    if not in_grams:
        return value
    return reference.base(f"{value} {PARAMETERS[operand['parameter']].unit}")[0]


def latest(
    asked: dict[str, Any], found: list[tuple[Member, bool | None]], is_covered: bool
) -> tuple[bool | None, bool]:
    """What holds of the latest member, whichever of those that may be members it is."""
    answers: set[bool | None] = set()
    ordered = sorted(found, key=place)
    ordered.reverse()
    for member, fits in ordered:
        answers.add(Judge(member).tree(asked)[0])
        if fits is True:
            break
    else:
        answers.add(False if is_covered else None)
    lacks = None in answers
    return (answers.pop() if len(answers) == 1 else None), lacks


def place(found: tuple[Member, bool | None]) -> tuple[datetime, str]:
    """Of acts at one time the order of their ids; lines stay in their order."""
    return found[0].at, found[0].event.get("act_id", "act-1")


def members(history: dict[str, Any], present: Reader, past: Past) -> list[Member]:
    """Every act or line that went through the verb, whatever the window and `where`."""
    family, verb = history["of"].split(".")
    of_lines = any(name in str(history) for name in named_lines(history))
    own = present.event.get("act_id", "act-1")
    found = []
    for act in acts_of(past.events, family):
        at = act.reached(verb)
        if act.id == own or at is None or not act.counts:
            continue
        event = act.latest
        if is_elsewhere(history, event, present):
            continue
        found += of_act(event, served(event) or at, present, of_lines, act.closed)
    every = [*found, *of_present(history, present, past, of_lines)]
    return [member for member in every if member.is_left is not False]


def named_lines(history: dict[str, Any]) -> list[str]:
    """The facts of lines that a history reads of its members."""
    parts = [history.get(k) for k in ("where", "sum", "distinct", "last")]
    return [name for part in parts for name in facts_in(part) if name.startswith(LINE_FACTS)]


def facts_in(node: Any) -> list[str]:
    if isinstance(node, dict):
        keys = [key for key in node if "." in str(key)]
        return keys + [name for value in node.values() for name in facts_in(value)]
    if isinstance(node, list):
        return [name for value in node for name in facts_in(value)]
    return [node] if isinstance(node, str) and "." in node else []


def of_act(
    event: dict[str, Any], at: datetime, present: Reader, of_lines: bool,
    closed: datetime | None = None,
) -> list[Member]:  # fmt: skip
    if not of_lines:
        return [Member(event, None, at, present, closed)]
    return [Member(event, line, served(line) or at, present, closed) for line in event["items"]]


def of_present(
    history: dict[str, Any], present: Reader, past: Past, of_lines: bool
) -> list[Member]:
    """Earlier lines of the present act; with `including: this` what the rule is about as well."""
    family, verb = history["of"].split(".")
    event = present.event
    if family_of(event) != family:
        return []
    own = event.get("act_id", "act-1")
    heard = [e for e in past.events if e.get("act_id", "act-1") == own] + [event]
    is_draft = verb_of(event) == "draft" and verb == BECOMES.get(family)
    if not is_draft and Act(own, heard).reached(verb) is None:
        return []
    counts = history.get("including") == "this"
    at = served(event) or time_of(event)
    if not of_lines:
        return of_act(event, at, present, False) if counts else []
    every = of_act(event, at, present, True)
    if present.each != "items":
        return every if counts else []
    place = next(n for n, line in enumerate(event["items"]) if line is present.element)
    return every[: place + 1] if counts else every[:place]


def is_elsewhere(history: dict[str, Any], event: dict[str, Any], present: Reader) -> bool:
    if history.get("same") == "prescription":
        return True  # another act is another prescription
    visits = [visit_of(e) for e in (event, present.event)]
    return history.get("same") == "encounter" and visits[0] != visits[1] and visits[0] != UNSAID


def is_surely_here(history: dict[str, Any], member: Member) -> bool:
    own = member.event is member.present.event
    return own or history.get("same") != "encounter" or visit_of(member.event) != UNSAID


def visit_of(event: dict[str, Any]) -> str:
    """The visit's id; "" for none at all."""
    encounter = event.get("encounter", UNSAID)
    if encounter == UNSAID:
        return UNSAID
    return str(encounter["id"]) if encounter else ""


def acts_of(events: list[dict[str, Any]], family: str) -> list[Act]:
    acts: dict[str, Act] = {}
    for event in events:
        if family_of(event) == family and verb_of(event) != "draft":
            acts.setdefault(event["act_id"], Act(event["act_id"], [])).events.append(event)
    return list(acts.values())


def window_of(history: dict[str, Any], present: Reader) -> tuple[datetime, bool, datetime] | str:
    """(start, whether it belongs to it, end), or why it is not known."""
    end = present.as_of()
    if "before" in history:
        anchor = present.fact(history["before"].removeprefix("this."))
        if anchor[0] != "known":
            return str(anchor[1])
        end = anchor[1]
    local = end.astimezone(zone_of(present.event))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    same = history.get("same")
    if same == "prescription":
        return end - timedelta(36500), True, end + timedelta(36500)
    if same == "encounter":
        started = present.fact("encounter.started_at")
        return started[1] if started[0] == "known" else end - timedelta(36500), True, end
    if same:
        starts = {
            "day": midnight,
            "calendar_month": midnight.replace(day=1),
            "calendar_year": midnight.replace(day=1, month=1),
        }
        return starts[same], True, end
    return back(local, history["within"], present), False, end


def back(local: datetime, within: Any, present: Reader) -> datetime:
    """So long before: by the calendar of the place, or by the clock."""
    if isinstance(within, str):
        number, unit = within.split()
        count = float(number)
    elif "parameter" in within:
        keys = [present.fact(name.removeprefix("this."))[1] for name in within.get("by", [])]
        parameter = PARAMETERS[within["parameter"]]
        count, unit = parameter.rows[tuple(keys)].entries[0].value.value, parameter.unit
    else:
        ((unit, count),) = within.items()
    if unit in ("days", "months", "years"):
        return by_calendar(local, int(count), unit)
    hours = {"h": 1, "d": 24, "min": 1 / 60}[unit] * count
    return local.astimezone(ZoneInfo("UTC")) - timedelta(hours=hours)


def by_calendar(local: datetime, count: int, unit: str) -> datetime:
    """The same time of the day so many days, months or years before; else the month's last day."""
    if unit == "days":
        return local - timedelta(count)  # on the wall clock
    month = local.year * 12 + local.month - 1 - count * (12 if unit == "years" else 1)
    for day in range(local.day, 0, -1):
        try:
            return local.replace(year=month // 12, month=month % 12 + 1, day=day)
        except ValueError:
            continue
    raise AssertionError("a month has a first day")


def time_of(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["at"])


def served(of: dict[str, Any]) -> datetime | None:
    text = of.get("service_time")
    return datetime.fromisoformat(text) if text else None


def family_of(event: dict[str, Any]) -> str:
    return str(event["event"]).split(".")[0]


def verb_of(event: dict[str, Any]) -> str:
    return str(event["event"]).split(".")[1]


def zone_of(event: dict[str, Any]) -> ZoneInfo:
    return ZONES[event.get("institution", "demo-h1")]

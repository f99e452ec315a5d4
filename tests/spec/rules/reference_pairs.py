"""The meaning of pairs, written down a second time, naively, from the design alone.

Every line of the present act is held against every line of it and of all past acts, row by row.
It shares no code with rules.facts.pairs, rules.memory.partners and the engines.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import Any

from spec.rules import reference, reference_past, world
from spec.rules.reference import CODESETS, DRUGS, LOCAL, PARAMETERS, Answer, Fact, Judge, Reader
from spec.rules.reference_past import Act, Past, acts_of, served, time_of, verb_of

ITEMS = {item.code: item for item in world.knowledge().items()}
TABLES = world.knowledge().pairs.tables
BETWEEN = ("day", "validity")
USES = ("prescription", "order")
LONGEST_GAP = timedelta(14)
LOOKS_BACK = {"billing": LONGEST_GAP, "prescription": LONGEST_GAP + timedelta(180)}
UNKNOWN = "not_in_knowledge"


@dataclass
class Line:
    """A line of the present act, or of a past one."""

    name: str
    event: dict[str, Any]
    item: dict[str, Any]
    day: date
    at: datetime
    begin: datetime
    end: Any
    """A time, or why it is not known."""

    @property
    def known_by(self) -> set[tuple[str, str]]:
        if "item" in self.item:
            code = self.item["item"]
            own = {("item", code if "|" in code else f"{world.ITEMS}|{code}")}
            entry = ITEMS.get(code)
            return own | (of_drug(entry.drug.split("|")[1]) if entry and entry.drug else set())
        return of_drug(self.item["drug"])

    @property
    def is_unknown(self) -> bool:
        """Whether it has a drug that nobody knows."""
        if "item" in self.item:
            return self.item["item"] not in ITEMS
        return self.item["drug"] not in DRUGS

    @property
    def is_given_back(self) -> bool:
        amount, refunded = (self.item.get(n, "0") for n in ("amount", "refunded"))
        return float(amount) == float(refunded) > 0


@dataclass
class Row:
    table: Any
    row: Any

    def side(self, member: Any, line: Line) -> bool:
        if member.kind != "codeset":
            return (member.kind, member.name) in line.known_by
        codeset = CODESETS[member.name]
        return any(
            (codeset.of, code) in line.known_by
            for dated in codeset.history.entries
            if dated.covers(line.day)
            for code in dated.value.codes
        )

    def is_half(self, line: Line) -> bool:
        return self.side(self.row.a, line) or self.side(self.row.b, line)

    def gaps(self, first: Line, second: Line) -> list[timedelta]:
        """The gap after the first, for each way in which the two are the row's sides."""
        found = []
        if self.side(self.row.a, first) and self.side(self.row.b, second):
            found.append(length(self.row.gap_after_a))
        if self.side(self.row.b, first) and self.side(self.row.a, second):
            found.append(length(self.row.gap_after_b))
        return found

    def holds(self, one: Line, other: Line) -> Fact:
        """Whether two lines that it names are a pair here."""
        context = self.row.context
        if one.is_given_back or other.is_given_back:
            return ("known", False)
        if context == "prescription":
            return ("known", True)
        if context == "bag":
            return in_one_bag(one.item, other.item)
        first, second = sorted((one, other), key=lambda line: line.begin)
        return meet(context, first, second, max(self.gaps(first, second)))


def of_drug(code: str) -> set[tuple[str, str]]:
    drug = DRUGS.get(code)
    own = {("drug", code if "|" in code else f"{world.DRUGS}|{code}")}
    return own | ({("ingredient", name) for name in drug.ingredients} if drug else set())


def length(gap: Any) -> timedelta:
    if gap is None:
        return timedelta(0)
    if gap.parameter:
        return timedelta(PARAMETERS[gap.parameter].rows[()].entries[0].value.value)
    return timedelta(seconds=gap.seconds)


def meet(context: str, one: Line, other: Line, gap: timedelta) -> Fact:
    if context == "day":
        return ("known", one.at.astimezone(LOCAL).date() == other.at.astimezone(LOCAL).date())
    first, second = sorted((one, other), key=lambda line: line.begin)
    if second.begin < first.begin + gap or second.begin == first.begin:
        return ("known", True)
    if isinstance(first.end, str):
        return ("unknown", first.end)
    return ("known", second.begin < first.end + gap)


def in_one_bag(one: dict[str, Any], other: dict[str, Any]) -> Fact:
    groups = [item.get("infusion_group", "not_reported") for item in (one, other)]
    if None in groups:
        return ("known", False)
    if "not_reported" in groups:
        return ("unknown", "not_reported")
    return ("known", groups[0] == groups[1])


def rows() -> list[Row]:
    return [
        Row(table, history.entries[0].value)
        for _, table in sorted(TABLES.items())
        for _, history in sorted(table.rows.items())
    ]


class OfPair(Reader):
    """The facts of a pair: of its row, and of the item."""

    def __init__(self, item: Line, row: Row, holds: Fact) -> None:
        super().__init__(item.event, "items", item.item, item.day)
        self.row, self.holds = row, holds

    def fact(self, name: str) -> Fact:
        if not name.startswith("pair."):
            return super().fact(name)
        return of_row(self.row, name, self.holds)


class OfSide(reference.Nobody):
    """An element of which only the kind of row is known, or nothing."""

    def __init__(self, line: Line, row: Row | None, why: str) -> None:
        super().__init__(line.event, "items", "not_reported", line.day)
        self.row, self.unknown = row, ("unknown", why)

    def fact(self, name: str) -> Fact:
        if not name.startswith("pair."):
            return super().fact(name)
        is_said = name in ("pair.kind", "pair.context", "pair.severity", "pair.table")
        if self.row is None or not is_said:
            return ("unknown", self.why)
        return of_row(self.row, name, self.unknown)


def of_row(row: Row, name: str, holds: Fact) -> Fact:
    if name == "pair.in_context":
        return holds
    if name in ("pair.kind", "pair.table"):
        return ("known", row.table.kind if name == "pair.kind" else row.table.id)
    return ("known", getattr(row.row, name.removeprefix("pair.")))


def answer(rules: list[dict[str, Any]], event: dict[str, Any], past: Past | None) -> Answer:
    """What rules about pairs say of an event; without a past nothing is remembered."""
    result = Answer()
    lines = lines_of(event, time_of(event), "")
    others = past_lines(past, event) if past is not None else []
    for rule in rules:
        rule = {**rule, "scope": {"pair.in_context": {"is": True}, **rule.get("scope", {})}}
        for name, reader in pairs(lines, others):
            reference.decide(rule, name, reader, result)
        for (line, fact, why), sides in unseen(lines, others, past).items():
            judges = [Judge(side) for side in sides]
            if all(judge.tree(rule["scope"])[0] is False for judge in judges):
                continue
            result.rules.add(rule["id"])
            result.counts["undetermined"] += 1
            result.undetermined.add((line, fact, why, rule["id"]))
    return result


def pairs(lines: list[Line], others: list[Line]) -> list[tuple[str, OfPair]]:
    found = []
    for row in rows():
        for one, other in combinations(lines, 2):
            first, second = sorted((one, other), key=lambda line: line.begin)
            if row.gaps(first, second):
                names = sorted((one.name, other.name), key=lambda name: (len(name), name))
                reader = OfPair(second, row, row.holds(one, other))
                found.append((f"{names[0]}~{names[1]}:{row.row.id}", reader))
        for line in lines:
            for other in others:
                if row.row.context in BETWEEN and row.gaps(line, other):
                    reader = OfPair(line, row, row.holds(line, other))
                    found.append((f"{line.name}~{other.name}:{row.row.id}", reader))
    return found


def unseen(
    lines: list[Line], others: list[Line], past: Past | None
) -> dict[tuple[str, str, str], list[OfSide]]:
    """What leaves rules undetermined, by line, fact and why; with what a pair might be."""
    found: dict[tuple[str, str, str], list[OfSide]] = {}
    open_rows = [row for row in rows() if row.row.context in BETWEEN]
    for line in lines:
        is_covered = past is not None and covers(past, line)
        if line.is_unknown:
            elsewhere = [o for o in lines if o is not line and stands(o, rows())]
            elsewhere += [
                other
                for other in others
                for row in open_rows
                if (other.is_unknown or row.is_half(other)) and may_meet(row, line, other)
            ]
            if elsewhere or not is_covered:
                side = OfSide(line, None, UNKNOWN)
                found[line.name, "item.drug.ingredients", UNKNOWN] = [side]
                continue
        sides = [row for row in open_rows if row.is_half(line)]
        if sides and not is_covered:
            why = "partial_list" if past is None else "not_covered"
            found[line.name, "item.interactions", why] = [OfSide(line, r, why) for r in sides]
        unknown = [o for o in others if o.is_unknown]
        met = [row for row in sides if any(may_meet(row, line, o) for o in unknown)]
        if met:
            found[line.name, "pair.partner", UNKNOWN] = [OfSide(line, r, UNKNOWN) for r in met]
    return found


def stands(line: Line, among: list[Row]) -> bool:
    return line.is_unknown or any(row.is_half(line) for row in among)


def may_meet(row: Row, one: Line, other: Line) -> bool:
    return meet(row.row.context, one, other, LONGEST_GAP) != ("known", False)


def covers(past: Past, line: Line) -> bool:
    family = line.event["event"].split(".")[0]
    return past.since is None or past.since <= line.begin - LOOKS_BACK[family]


def past_lines(past: Past, event: dict[str, Any]) -> list[Line]:
    """The lines of acts that count, without the present one's, as they ended."""
    family = event["event"].split(".")[0]
    families = USES if family in USES else (family,)
    found = []
    for of in families:
        for act in acts_of(past.events, of):
            if not act.counts or act.id == event.get("act_id", "act-1"):
                continue
            for line in lines_of(act.latest, min(map(time_of, act.events)), f"{act.id}/"):
                if not line.is_given_back and until_stopped(line, act):
                    found.append(line)
    return found


def until_stopped(line: Line, act: Act) -> bool:
    """Whether a line was used at all; it is used no longer than until it was stopped."""
    verb = verb_of(act.latest)
    if verb not in ("stopped", "cancelled"):
        return True
    stopped = min(time_of(event) for event in act.events if verb_of(event) == verb)
    if isinstance(line.end, str) or stopped < line.end:
        line.end = stopped
    return line.begin < line.end


def lines_of(event: dict[str, Any], heard: datetime, prefix: str) -> list[Line]:
    """The lines of an act as its event says them; of one without a time the first one is taken."""
    found = []
    for number, item in enumerate(event["items"], 1):
        at = served(item) or served(event) or heard
        day = (served(item) or served(event) or time_of(event)).astimezone(LOCAL).date()
        begin: datetime = at
        end: Any = at
        if "drug" in item:
            begin = datetime(day.year, day.month, day.day, tzinfo=LOCAL)
            supply = item.get("days_supply", "not_reported")
            end = supply if isinstance(supply, str) else begin + timedelta(supply)
            if not served(item) and not served(event):
                begin = min(begin, at)  # a later event about it does not begin its use anew
        found.append(Line(f"{prefix}{number}", event, item, day, at, begin, end))
    return found


def judged_row(row: Any, rule: dict[str, Any]) -> Answer:
    """What the reference says of a row of the language."""
    since = datetime.fromisoformat(row.known_since) if row.known_since else None
    looks_back = row.earlier or row.known_since
    past = reference_past.Past(list(row.earlier), since) if looks_back else None
    return answer([rule], {"at": "2026-03-02T10:00+08:00", **row.event}, past)

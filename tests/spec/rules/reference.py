"""The meaning of rules, written down a second time, naively, from the design alone.

It reads the YAML of a rule as plain dicts and an event in the authors' shorthand, and shares no
code with the loader, the facts, the compiler or the engine. Slow and plain on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from spec.rules import world

Fact = tuple[str, Any]
"""("known", value), ("partial", [values]), ("unknown", why), or ("interval", (start, end)) with
ends that are times, None (open) or unknown facts."""

LOCAL = timezone(timedelta(hours=8))
SKIN_TESTS = ("negative", "positive", "exempt")
KINDS = ("outpatient", "emergency", "inpatient", "internet")
GRAMS = {"mg": Decimal("0.001"), "g": Decimal(1)}
DRUGS = {drug.code: drug for drug in world.DRUG_LIST}
PARAMETERS = {parameter.id: parameter for parameter in world.PARAMETERS}
CODESETS = {codeset.id: codeset for codeset in world.CODESETS}
OUT = "not_reported"


@dataclass
class Answer:
    """What the decision must say."""

    findings: set[tuple[str, str, str, str, frozenset[str]]] = field(default_factory=set)
    not_evaluable: set[tuple[str, str, frozenset[tuple[str, str]]]] = field(default_factory=set)
    undetermined: set[tuple[str, str, str, str]] = field(default_factory=set)
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("alerts", "silent", "exempt", "not_evaluable", "undetermined"), 0
        )
    )
    rules: set[str] = field(default_factory=set)


def plain(value: Any) -> Fact:
    if value == OUT:
        return ("unknown", "not_reported")
    return ("unknown", "stated_absent") if value is None else ("known", value)


class Reader:
    """The facts of an event and of one of its elements."""

    def __init__(self, event: dict[str, Any], each: str, element: Any, day: date) -> None:
        self.event, self.each, self.element, self.day = event, each, element, day

    def fact(self, name: str) -> Fact:
        method = getattr(self, name.replace(".", "_"))
        found: Fact = method()
        return found

    def is_promised(self, name: str) -> bool:
        """Whether the source of the event promises the fact on the day."""
        family = self.event["event"].partition(".")[0]
        return any(
            name in interval.value.facts.get(family, ())
            for profile in world.PROFILES
            if profile.sender == self.event.get("source")
            for interval in profile.history.entries
            if interval.covers(self.day)
        )

    def part(self, whole: str, name: str) -> Any:
        value = self.event.get(whole, OUT)
        return value.get(name, OUT) if isinstance(value, dict) else OUT

    def event_item_count(self) -> Fact:
        count = len(self.event["items"])  # an act without lines came without them
        return ("known", count) if count else ("unknown", "not_reported")

    def event_service_date(self) -> Fact:
        return ("known", self.day)

    def event_extended_days(self) -> Fact:
        return plain(self.event.get("extended_days", OUT))

    def event_diagnoses(self) -> Fact:
        value = self.event.get("diagnoses", OUT)
        if value == OUT:
            return ("unknown", "not_reported")
        return codes(value or [], True)

    def encounter_kind(self) -> Fact:
        kind = plain(self.part("encounter", "kind"))
        if kind[0] == "known" and kind[1] not in KINDS:
            return ("unknown", "unrecognised")
        return kind

    def encounter_id(self) -> Fact:
        return plain(self.part("encounter", "id"))

    def encounter_is_rescue(self) -> Fact:
        return plain(self.part("encounter", "is_rescue"))

    def patient_pregnant(self) -> Fact:
        return plain(self.part("patient", "pregnant"))

    def patient_age(self) -> Fact:
        value = plain(self.part("patient", "birth_date"))
        if value[0] == "unknown":
            return value
        born = date.fromisoformat(value[1])
        if born > self.day:
            return ("unknown", "unrecognised")
        years = 0
        while True:
            try:
                birthday = born.replace(year=born.year + years + 1)
            except ValueError:  # 29 February: the birthday is kept on 1 March
                birthday = date(born.year + years + 1, 3, 1)
            if birthday > self.day:
                return ("known", years)
            years += 1

    def patient_allergies(self) -> Fact:
        return listing(self.part("patient", "allergies"))

    def patient_conditions(self) -> Fact:
        value = listing(self.part("patient", "conditions"))
        return value if value[0] == "unknown" else codes(value[1], value[0] == "known")

    def item_drug(self) -> Fact:
        name = self.element["drug"]
        return ("known", name if "|" in name else f"{world.DRUGS}|{name}")

    def of_drug(self, name: str) -> Fact:
        drug = DRUGS.get(self.element["drug"])
        return ("unknown", "not_in_knowledge") if drug is None else ("known", getattr(drug, name))

    def item_drug_ingredients(self) -> Fact:
        found = self.of_drug("ingredients")
        return found if found[0] == "unknown" else ("known", list(found[1]))

    def item_drug_kind(self) -> Fact:
        return self.of_drug("kind")

    def item_skin_test(self) -> Fact:
        value = plain(self.element.get("skin_test", OUT))
        if value[0] == "known" and value[1] not in SKIN_TESTS:
            return ("unknown", "unrecognised" if value[1] else "not_reported")
        return value

    def item_days_supply(self) -> Fact:
        return plain(self.element.get("days_supply", OUT))

    def item_dose(self) -> Fact:
        return plain(self.element.get("dose", OUT))

    def item_daily_dose(self) -> Fact:
        dose, times = (plain(self.element.get(n, OUT)) for n in ("dose", "doses_per_day"))
        if dose[0] == "unknown" or times[0] == "unknown":
            return dose if dose[0] == "unknown" else times
        number, unit = dose[1].split()
        return ("known", f"{Decimal(number) * times[1]} {unit}/d")

    def item_period(self) -> Fact:
        day = self.as_of().astimezone(LOCAL).date()
        first = datetime(day.year, day.month, day.day, tzinfo=LOCAL)
        days = self.item_days_supply()
        if days[0] == "unknown":
            return ("interval", (first, days))
        last = first
        while last < first + timedelta(days[1]):
            last += timedelta(1)
        return ("interval", (first, last))

    def event_time(self) -> Fact:
        return ("known", datetime.fromisoformat(self.event["at"]))

    def encounter_started_at(self) -> Fact:
        return self.time("started_at")

    def encounter_ended_at(self) -> Fact:
        return self.time("ended_at")

    def time(self, name: str) -> Fact:
        value = plain(self.part("encounter", name))
        return value if value[0] == "unknown" else ("known", datetime.fromisoformat(value[1]))

    def encounter_duration(self) -> Fact:
        start, end = self.encounter_started_at(), self.encounter_ended_at()
        for found in (start, end):
            if found[0] == "unknown":
                return found
        return ("known", end[1] - start[1])

    def encounter_period(self) -> Fact:
        start, end = self.encounter_started_at(), self.encounter_ended_at()
        goes_on = end == ("unknown", "stated_absent")
        if start[0] == "unknown" and (end[0] == "unknown" or goes_on):
            return start
        if start[0] == end[0] == "known" and end[1] < start[1]:
            return ("unknown", "unrecognised")
        ends = [found[1] if found[0] == "known" else found for found in (start, end)]
        return ("interval", (ends[0], None if goes_on else ends[1]))

    def as_of(self) -> datetime:
        """The time of the item, of the act, of the event."""
        of_item = self.element.get("service_time") if self.each == "items" else None
        text = of_item or self.event.get("service_time") or self.event["at"]
        return datetime.fromisoformat(text)

    def observations(self) -> Any:
        return self.part("patient", "observations")

    def potassium(self) -> dict[str, Any] | None:
        """The latest one; one without a time is the oldest, of two at once the last is taken."""
        chosen = None
        for found in self.observations() or []:
            if found["code"] == "urn:lab|K" and (chosen is None or rank(found) >= rank(chosen)):
                chosen = found
        return chosen

    def patient_potassium(self) -> Fact:
        if self.observations() in (OUT, None):
            return plain(self.observations())
        found = self.potassium()
        if found is None:
            return ("unknown", "not_reported")
        number, unit = found["value"].split()
        return ("known", float(number)) if unit == "mmol/L" else ("unknown", "unit")

    def patient_potassium_at(self) -> Fact:
        if self.observations() in (OUT, None):
            return plain(self.observations())
        found = self.potassium()
        if found is None:
            return ("unknown", "not_reported")
        at = plain(found["at"])
        return at if at[0] == "unknown" else ("known", datetime.fromisoformat(at[1]))

    def observation_analyte(self) -> Fact:
        is_known = self.element["code"] == "urn:lab|K"
        return ("known", "potassium") if is_known else ("unknown", "not_in_knowledge")

    def observation_value(self) -> Fact:
        return ("known", self.element["value"])

    def patient_age_months(self) -> Fact:
        born = plain(self.part("patient", "birth_date"))
        if born[0] == "unknown":
            return born
        first = date.fromisoformat(born[1])
        if first > self.day:
            return ("unknown", "unrecognised")
        months, day = 0, first
        while day < self.day:
            day += timedelta(1)
            # A month is completed on its day, or on the 1st after a month that lacks the day.
            is_past = day.day == 1 and (day - timedelta(1)).day < first.day
            months += (day.day == first.day) or is_past
        return ("known", months)

    def item_trace_codes(self) -> Fact:
        value = self.element.get("trace_codes", OUT)
        return ("unknown", "not_reported") if value == OUT else ("known", value or [])

    def item_service_date(self) -> Fact:
        return ("known", self.as_of().astimezone(LOCAL).date())

    def diagnosis_code(self) -> Fact:
        found = codes([self.element], True)
        return ("known", found[1][0]) if found[0] == "known" else ("unknown", "unrecognised")

    def element_value(self) -> Fact:
        return ("known", self.element)


def rank(observed: dict[str, Any]) -> float:
    at = observed["at"]
    return datetime.fromisoformat(at).timestamp() if at not in (OUT, None) else float("-inf")


def codes(values: list[str], complete: bool) -> Fact:
    # A code that names its system names one of traditional Chinese medicine here.
    icd = [v for v in values if "|" not in v]
    good = [v.upper() for v in icd if v[0].isascii() and v[0].isalpha() and v[1:2].isdigit()]
    return ("known" if complete and len(good) == len(values) else "partial", good)


def listing(value: Any) -> Fact:
    if value == OUT:
        return ("unknown", "not_reported")
    if value is None or value == "none_known":
        return ("known", [])
    return ("partial", value["partial"]) if isinstance(value, dict) else ("known", value)


class Judge:
    """The truth of conditions for one reader."""

    def __init__(self, reader: Reader, past: Any = None) -> None:
        self.reader = reader
        self.past = past
        self.missing: list[tuple[str, str]] = []

    def tree(self, node: dict[str, Any]) -> tuple[bool | None, set[tuple[str, str]]]:
        """The truth of a mapping, and what makes it unknown."""
        return self.combine([self.entry(name, value) for name, value in node.items()], all_of)

    def entry(self, name: str, value: Any) -> tuple[bool | None, set[tuple[str, str]]]:
        if name == "history":
            return self.past(value, self)
        if name == "some":
            return self.some(value["in"], value["where"])
        if name == "not":
            truth, missing = self.tree(value)
            return (None if truth is None else not truth), missing
        if name in ("all", "any"):
            return self.combine([self.tree(v) for v in value], all_of if name == "all" else any_of)
        value = dict(value)
        fresh = value.pop("fresh_within", None)
        ((operator, operand),) = value.items()
        truth, missing = self.test(name, operator, operand)
        if fresh is None or self.reader.fact(name)[0] == "unknown":
            return truth, missing
        return self.if_fresh(name, fresh, truth, missing)

    def if_fresh(
        self, name: str, fresh: Any, truth: bool | None, missing: set[tuple[str, str]]
    ) -> tuple[bool | None, set[tuple[str, str]]]:
        lacking: set[tuple[str, str]] = set()
        span = length(self.operand(name, fresh, {}, lacking), fresh)
        if lacking:
            return None, missing | lacking
        at = self.reader.fact(f"{name}_at")
        if at[0] == "unknown":
            return None, missing or {(f"{name}_at", at[1])}
        if at[1] > self.reader.as_of():
            return None, missing or {(name, "future")}
        if at[1] > self.reader.as_of() - span:
            return truth, missing
        return None, missing or {(name, "stale")}

    def some(self, each: str, where: Any) -> tuple[bool | None, set[tuple[str, str]]]:
        event, day = self.reader.event, self.reader.day
        listed, fact, complete = records(each, event)
        answers = [Judge(Reader(event, each, one, day)).tree(where) for one in listed]
        if any(truth is True for truth, _ in answers):
            return True, set()
        missing = {m for truth, why in answers if truth is None for m in why}
        if complete is not None:
            missing.add((fact, complete))
        return (None, missing) if missing else (False, set())

    def combine(self, parts: list[Any], rule: Any) -> tuple[bool | None, set[tuple[str, str]]]:
        truth = rule([t for t, _ in parts])
        if truth is not None:
            return truth, set()
        return None, {m for t, missing in parts if t is None for m in missing}

    def test(
        self, name: str, operator: str, operand: Any
    ) -> tuple[bool | None, set[tuple[str, str]]]:
        fact = self.reader.fact(name)
        if operator == "exists":
            truth = exists(fact)
            if fact == ("unknown", OUT) and self.reader.is_promised(name):
                truth = False
            if truth is None:
                return None, {(name, fact[1] if fact[0] == "unknown" else "partial_list")}
            return truth is operand, set()
        inputs = {name: fact}
        missing: set[tuple[str, str]] = set()
        bounds = operand if operator == "between" else [operand]
        values = [self.operand(name, bound, inputs, missing) for bound in bounds]
        of_set = isinstance(operand, dict) and "codeset" in operand
        if name == "item.drug" and of_set and fact[0] == "known":
            is_known = self.reader.element["drug"] in DRUGS
            if not is_known and (values[0] is None or fact[1] not in values[0][1]):
                missing.add((name, "not_in_knowledge"))
        for read, found in inputs.items():
            if found[0] == "unknown":
                missing.add((read, found[1]))
        if missing:
            missing |= {(n, "partial_list") for n, f in inputs.items() if f[0] == "partial"}
            return None, missing | unknown_ends(inputs)
        if operator == "overlaps":
            truth = overlap(fact, values[0])
            return truth, unknown_ends(inputs) if truth is None else set()
        if name in ("item.dose", "item.daily_dose", "observation.value"):
            return amounts(name, operator, fact[1], zip(bounds, values, strict=True))
        if name == "encounter.duration":
            start = self.reader.encounter_started_at()[1]
            limits = [start + length(v, o) for o, v in zip(bounds, values, strict=True)]
            return compare(operator, start + fact[1], limits), set()
        truth = apply(operator, fact, values)
        if truth is None:
            return None, {(n, "partial_list") for n, f in inputs.items() if f[0] == "partial"}
        return truth, set()

    def operand(self, name: str, operand: Any, inputs: Any, missing: set[tuple[str, str]]) -> Any:
        day = self.reader.day
        if isinstance(operand, dict) and "fact" in operand:
            inputs[operand["fact"]] = self.reader.fact(operand["fact"])
            return inputs[operand["fact"]]
        if isinstance(operand, dict) and "days" in operand:
            return self.operand(name, operand["days"], inputs, missing)
        if isinstance(operand, dict) and "codeset" in operand:
            codeset = CODESETS[operand["codeset"]]
            for dated in codeset.history.entries:
                if dated.covers(day):
                    return ("set", dated.value.codes, codeset.of)
            missing.add((f"codeset:{codeset.id}", "not_in_knowledge"))
            return None
        if isinstance(operand, dict):
            return self.parameter(operand, inputs, missing)
        if isinstance(operand, list) and name.endswith(".period"):
            return ("interval", [None if end is None else midnight(end) for end in operand])
        if isinstance(operand, list):
            return ("set", frozenset(operand), "text")
        if isinstance(operand, str) and name == "event.time":
            return datetime.fromisoformat(operand)
        if isinstance(operand, str) and name == "item.days_supply":
            return int(operand.removesuffix(" d"))
        if isinstance(operand, str) and operand.startswith("<"):
            return date.fromisoformat(operand[1:-1])
        return operand

    def parameter(self, operand: Any, inputs: Any, missing: set[tuple[str, str]]) -> Any:
        key: list[str] = []
        for name in operand.get("by", []):
            inputs[name] = self.reader.fact(name)
            if inputs[name][0] != "known":
                return None
            value = inputs[name][1]
            key.append({True: "true", False: "false"}.get(value, value))
        history = PARAMETERS[operand["parameter"]].rows.get(tuple(key))
        for dated in history.entries if history else ():
            if dated.covers(self.reader.day):
                return dated.value.value
        missing.add((f"parameter:{operand['parameter']}", "not_in_knowledge"))
        return None


def midnight(text: str) -> datetime:
    day = date.fromisoformat(text.strip("<>"))
    return datetime(day.year, day.month, day.day, tzinfo=LOCAL)


def records(each: str, event: dict[str, Any]) -> tuple[list[Any], str, str | None]:
    """The elements of a list, the fact that it is, and why there may be others."""
    if each == "items":
        return event["items"], "event.items", None if event["items"] else "not_reported"
    patient = event.get("patient", OUT)
    value = patient.get("observations", OUT) if isinstance(patient, dict) else OUT
    fact = "patient.observations"
    if value == OUT:
        return [], fact, "not_reported"
    return ([], fact, None) if value is None else (value, fact, "partial_list")


def length(value: Any, operand: Any) -> timedelta:
    """An operand as a length of time; days of the calendar have 24 hours in China."""
    if isinstance(operand, dict) and "parameter" in operand:
        unit = PARAMETERS[operand["parameter"]].unit
    elif isinstance(operand, dict):
        unit = "d"
    else:
        number, unit = str(value).split() if isinstance(value, str) else (str(value), "h")
        value = int(number)
    return value * {"h": timedelta(hours=1), "min": timedelta(minutes=1)}.get(unit, timedelta(1))


def amounts(
    name: str, operator: str, text: str, limits: Any
) -> tuple[bool | None, set[tuple[str, str]]]:
    """Both sides in base units, exactly; units that do not belong together are unknown."""
    sides = []
    for operand, value in limits:
        if operand == 0:
            sides.append((base(text)[0], Decimal(0)))
            continue
        unit = PARAMETERS[operand["parameter"]].unit if isinstance(operand, dict) else ""
        left, right = base(text), base(f"{value} {unit}".strip())
        if left[1] != right[1]:
            return None, {(name, "unit")}
        sides.append((left[0], right[0]))
    if operator == "between":
        return sides[0][1] <= sides[0][0] and sides[1][0] <= sides[1][1], set()
    return compare(operator, sides[0][0], [sides[0][1]]), set()


def base(text: str) -> tuple[Decimal, str]:
    """The number in grams (a day) for a mass, else as it stands; with what it measures."""
    number, unit = text.split()
    of, _, per = unit.partition("/")
    if of not in GRAMS:
        return Decimal(number), unit
    return Decimal(number) * GRAMS[of], f"g/{per}"


def unknown_ends(inputs: dict[str, Fact]) -> set[tuple[str, str]]:
    found = [(name, end) for name, fact in inputs.items() if fact[0] == "interval"
             for end in fact[1] if isinstance(end, tuple)]  # fmt: skip
    return {(name, end[1]) for name, end in found}


def overlap(left: Fact, right: Fact) -> bool | None:
    """What all values of the unknown ends have in common; none is known to be empty."""
    intervals = [left[1], right[1]]
    known = [at for ends in intervals for at in ends if isinstance(at, datetime)]
    step = timedelta(seconds=1)
    guesses = sorted({at + n * step for at in known for n in (-2, -1, 0, 1, 2)})
    choices = []
    for start, end in intervals:
        starts = guesses if isinstance(start, tuple) else [start]
        ends = guesses if isinstance(end, tuple) else [end]
        is_open = isinstance(start, tuple) or isinstance(end, tuple)
        choices.append([(a, b) for a in starts for b in ends
                        if not is_open or a is None or b is None or a < b])  # fmt: skip
    answers = {share(a, b) for a in choices[0] for b in choices[1]}
    return answers.pop() if len(answers) == 1 else None


def share(a: Any, b: Any) -> bool:
    early = datetime.min.replace(tzinfo=LOCAL)
    late = datetime.max.replace(tzinfo=LOCAL)
    start = max(a[0] or early, b[0] or early)
    end = min(a[1] or late, b[1] or late)
    return bool(start < end)


def exists(fact: Fact) -> bool | None:
    shape, value = fact
    if shape == "interval":
        return True
    if shape == "known":
        return bool(value) if isinstance(value, list) else True
    if shape == "partial":
        return True if value else None
    return False if value == "stated_absent" else None


def compare(operator: str, left: Any, values: list[Any]) -> bool:
    if operator == "between":
        return bool(values[0] <= left <= values[1])
    right = values[0]
    return bool(
        {
            "is": lambda: left == right,
            "is_not": lambda: left != right,
            "below": lambda: left < right,
            "at_most": lambda: left <= right,
            "above": lambda: left > right,
            "at_least": lambda: left >= right,
        }[operator]()
    )


def apply(operator: str, fact: Fact, values: list[Any]) -> bool | None:
    values = [v[1] if isinstance(v, tuple) and v[0] == "known" and not isinstance(v[1], list) else v
              for v in values]  # fmt: skip
    if operator not in ("in", "not_in", "any_in", "none_in", "all_in"):
        return compare(operator, fact[1], values)
    listed = values[0]
    if operator in ("not_in", "none_in"):
        positive = apply("in" if operator == "not_in" else "any_in", fact, values)
        return None if positive is None else not positive
    whole = fact[0] == "known" and listed[0] in ("set", "known")
    left = fact[1] if isinstance(fact[1], list) else [fact[1]]
    hits = [inside(value, listed) for value in left]
    if operator in ("in", "any_in"):
        if any(hits):
            return True
        if whole or (fact[0] == "known" and not left):
            return False
        return False if listed[0] in ("set", "known") and not listed[1] else None
    if fact[0] == "known" and not left:
        return False
    if all(hits):
        return True if fact[0] == "known" else None
    return False if listed[0] in ("set", "known") else None


def inside(value: str, listed: Any) -> bool:
    if listed[0] == "set" and listed[2] == "icd10":
        return any(value.startswith(code) for code in listed[1])
    return value in listed[1]


def all_of(truths: list[bool | None]) -> bool | None:
    return False if False in truths else None if None in truths else True


def any_of(truths: list[bool | None]) -> bool | None:
    return True if True in truths else None if None in truths else False


def elements(rule: dict[str, Any], event: dict[str, Any], day: date) -> list[tuple[str, Any, date]]:
    """(element id, element, its day) of what the rule looks at."""
    each = rule.get("each", "")
    if not each:
        return [("", None, day)]
    if each == "items":
        return [(str(n), item, served(item.get("service_time"), day))
                for n, item in enumerate(event["items"], 1)]  # fmt: skip
    if each == "diagnoses":
        value = event.get("diagnoses", OUT)
        values = [] if value == OUT or value is None else value
        named: list[tuple[str, Any, date]] = []
        for value in values:
            code = value.rpartition("|")[2]
            before = sum(c.rpartition("|")[2] == code for _, c, _ in named)
            named.append((code if not before else f"{code}#{before + 1}", value, day))
        return named
    fact = Reader(event, each, None, day).fact(each)
    values = fact[1] if fact[0] != "unknown" else []
    return [(value, value, day) for value in dict.fromkeys(values)]


def served(text: str | None, day: date) -> date:
    return day if text is None else datetime.fromisoformat(text).astimezone(LOCAL).date()


def not_listed(rule: dict[str, Any], event: dict[str, Any], day: date) -> tuple[str, str] | None:
    """The list that is not fully known, and why."""
    each = rule.get("each", "")
    if each == "diagnoses":
        fact = ("event.diagnoses", OUT)
        return fact if event.get("diagnoses", OUT) == OUT else None
    if each == "items" and not event["items"]:
        return "event.items", "not_reported"
    if each in ("", "items"):
        return None
    shape, value = Reader(event, each, None, day).fact(each)
    return (each, value if shape == "unknown" else "partial_list") if shape != "known" else None


class Nobody(Reader):
    """An element that nobody knows."""

    def __init__(self, event: dict[str, Any], each: str, why: str, day: date) -> None:
        super().__init__(event, each, None, day)
        self.why = why

    def fact(self, name: str) -> Fact:
        if name.split(".")[0] in ("item", "diagnosis", "element", "observation"):
            return ("unknown", self.why)
        return super().fact(name)

    def is_promised(self, name: str) -> bool:
        return not name.startswith("item.") and super().is_promised(name)


def answer(rules: list[dict[str, Any]], event: dict[str, Any], past: Any = None) -> Answer:
    """What a pack of these rules says of an event; `past` judges `history`."""
    result = Answer()
    at = datetime.fromisoformat(event.get("service_time", event["at"]))
    day = at.astimezone(LOCAL).date()
    for rule in rules:
        for name, element, on in elements(rule, event, day):
            if in_force(rule, on):
                reader = Reader(event, rule.get("each", ""), element, on)
                decide(rule, name, reader, result, past)
        unlisted = not_listed(rule, event, day)
        if unlisted is not None and in_force(rule, day):
            fact, why = unlisted
            judge = Judge(Nobody(event, rule.get("each", ""), why, day))
            if judge.tree(rule.get("scope") or {})[0] is not False:
                result.counts["undetermined"] += 1
                result.rules.add(rule["id"])
                result.undetermined.add(("", fact, why, rule["id"]))
    return result


def in_force(rule: dict[str, Any], day: date) -> bool:
    first = date.fromisoformat(rule["effective"]["from"])
    last = rule["effective"].get("to")
    return first <= day and (last is None or day < date.fromisoformat(last))


def decide(
    rule: dict[str, Any], name: str, reader: Reader, result: Answer, past: Any = None
) -> None:
    judge = Judge(reader, past)
    rule_id = rule["id"]
    scope, missing = judge.tree(rule.get("scope") or {})
    if scope is False:
        return
    result.rules.add(rule_id)
    if scope is None:
        result.counts["undetermined"] += 1
        result.undetermined |= {(name, fact, why, rule_id) for fact, why in missing}
        return
    when, missing = judge.tree(rule["when"])
    unless, unverified = judge.tree(rule["unless"]) if rule.get("unless") else (False, set())
    if when is False:
        result.counts["silent"] += 1
    elif unless is True:
        result.counts["exempt"] += 1
    elif when is None:
        result.counts["not_evaluable"] += 1
        result.not_evaluable.add((rule_id, name, frozenset(missing)))
    else:
        result.counts["alerts"] += 1
        kind, action = rule["finding"]["result"], rule["finding"]["action"]
        if unless is None:
            kind = "suspected" if kind == "violation" else kind
            action = "remind" if action == "remind" else "require_reason"
        facts = frozenset(fact for fact, _ in unverified) if unless is None else frozenset()
        result.findings.add((rule_id, name, kind, action, facts))

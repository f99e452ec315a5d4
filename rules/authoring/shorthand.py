"""Events as rule authors write them in tests, turned into real events by the real decoder.

    event: prescription.signed              the type without its version
    at: 2026-03-02T10:00+08:00              the event's time (that is also the default)
    institution: demo-h1                    default demo-h1
    department: cardiology                  any field of the act, under its own name
    practitioner: P001                      id in the registry
    encounter: {kind: outpatient}           id defaults to visit-1
    diagnoses: [J18.9, {code: I10, role: principal}, {code: not_reported, role: secondary}]
    patient:
      age: 30 a                             or 6 mo, 20 d, or birth_date: 1996-03-02
      sex: female
      weight: 60 kg
      allergies: none_known                 or [amoxicillin], or {partial: [amoxicillin]}
      conditions: [I10]                     likewise
      potassium: 6.1 mmol/L                 also egfr: an observation, made an hour before
      observations: [{code: potassium, value: 6.1 mmol/L, at: 2026-03-01T08:00+08:00}]
    items:
      - {drug: levofloxacin, dose: 500 mg, days_supply: 5, route: oral}     prescription
      - {code: S001, drug: levofloxacin}                                    order
      - {item: S001, amount: "25.00", quantity: 2 h}                        billing
      - {code: potassium, value: 6.8 mmol/L, critical: true}                result

`drug` is an ingredient (the first drug of the demo catalogue that holds it alone), a code of the
catalogue, or `system|code`; `code` and `item` are codes of the demo catalogue of services, or
`system|code`. Line ids are 1, 2, 3 … unless `line_id` is given. `null` states absence;
`not_reported` leaves a field out. In a case, `given` is merged into `base`: mappings entry by
entry, lists as a whole, and `item: {…}` into the only item of the base.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

import msgspec

from contracts.acts import VERBS
from contracts.event import Event
from contracts.intake import Rejected, decode
from knowledge_base import KnowledgeBase
from rules import words
from rules.facts.patient import INGREDIENT_SYSTEM

LEFT_OUT: Final = "not_reported"
NONE_KNOWN: Final = "none_known"
NO_CODE: Final = {"system": "urn:yijian:test:no-code", "code": "not-reported"}
"""The contracts want a code of every diagnosis; this one is of no system that rules know."""
DEFAULT_AT: Final = "2026-03-02T10:00:00+08:00"
DEFAULT_INSTITUTION: Final = "demo-h1"
ICD10: Final = "http://hl7.org/fhir/sid/icd-10"
ROUTES: Final = "urn:yijian:demo:route"

_LOCAL: Final = timezone(timedelta(hours=8))
_QUANTITY: Final = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?) ?(\S*)")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?([+-]\d\d:\d\d|Z)?")
_TIMED: Final = re.compile(r"(^|_)(at|time)$")
_QUANTITIES: Final = frozenset({"dose", "quantity", "weight", "value"})
_MONEY: Final = frozenset({"amount", "refunded", "unit_price", "fund_paid"})
_SHOWN: Final = 12
_ANALYTES: Final = ("potassium", "egfr", "creatinine")


class ShorthandError(ValueError):
    """A test event that cannot be understood: its message says what to write."""


def merge(base: Any, given: Any) -> Any:
    """`given` over `base`, as a case is merged."""
    if not isinstance(base, dict) or not isinstance(given, dict):
        return given
    merged = dict(base)
    for name, value in given.items():
        if name == "item" and isinstance(value, dict):
            items = merged.get("items")
            if not isinstance(items, list) or len(items) != 1:
                raise ShorthandError(
                    "`item:` changes the only item, but the base has another number"
                )
            merged["items"] = [merge(items[0], value)]
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def event_of(short: dict[str, Any], knowledge: KnowledgeBase) -> Event:
    """The event; ShorthandError where it is not one."""
    raw = _Translator(knowledge).event(short)
    decoded = decode(msgspec.json.encode(raw))
    if isinstance(decoded, Rejected):
        raise ShorthandError(f"{decoded.path}: {decoded.detail} ({decoded.reason})")
    if decoded.unknown_fields:
        shown = ", ".join(path.removeprefix("$.data.") for path in decoded.unknown_fields)
        raise ShorthandError(f"the event has no {shown}")
    return decoded.event


class _Translator:
    def __init__(self, knowledge: KnowledgeBase) -> None:
        self.knowledge = knowledge
        self.day = date.min
        self.at = datetime.min

    def event(self, short: dict[str, Any]) -> dict[str, Any]:
        short = _prune(short)
        name = short.pop("event", None)
        family, _, verb = str(name).partition(".")
        if verb not in VERBS.get(family, ()):
            known = [f"{f}.{v}" for f, verbs in VERBS.items() for v in verbs]
            if name is None:
                raise ShorthandError("`base` names no event; write event: prescription.signed")
            raise ShorthandError(_none("event", name, known))
        at = _time(short.pop("at", DEFAULT_AT))
        self.at = datetime.fromisoformat(at)
        of_service = short.get("service_time")
        served = datetime.fromisoformat(_time(of_service)) if of_service else self.at
        try:
            self.day = served.astimezone(_LOCAL).date()
        except OverflowError as e:
            raise ShorthandError(f"the time {served.isoformat()} is none of the calendar") from e
        return {
            "specversion": "1.0",
            "id": str(short.pop("id", "case")),
            "source": str(short.pop("source", "urn:yijian:test")),
            "type": f"{name}.v1",
            "time": at,
            "subject": str(short.pop("subject", "test|patient-1")),
            "data": self.act(family, short),
        }

    def act(self, family: str, short: dict[str, Any]) -> dict[str, Any]:
        data: dict[str, Any] = {
            "act_id": str(short.pop("act_id", "act-1")),
            "revision": short.pop("revision", 1),
            "institution": short.pop("institution", DEFAULT_INSTITUTION),
        }
        encounter = short.pop("encounter", LEFT_OUT)
        if family == "encounter" and isinstance(encounter, dict):
            data["act_id"] = encounter.pop("id", data["act_id"])
            short = {**_fields(encounter), **short}
        elif encounter != LEFT_OUT:
            data["encounter"] = (
                {"id": "visit-1", **_fields(encounter)}
                if isinstance(encounter, dict)
                else encounter
            )
        for name, value in short.items():
            data[name] = self.field(family, name, value)
        if family == "patient" and isinstance(data.get("patient"), dict):
            for name in ("birth_date", "sex"):
                if name in data["patient"]:
                    data.setdefault(name, data["patient"][name])
        return data

    def field(self, family: str, name: str, value: Any) -> Any:
        if value is None:
            return None
        if name == "patient" and isinstance(value, dict):
            return self.patient(value)
        if name == "practitioner" and isinstance(value, str):
            return {"id": value}
        if name == "diagnoses" and isinstance(value, list):
            return [_diagnosis(entry) for entry in value]
        if name == "items" and isinstance(value, list):
            return [self.item(family, n, entry) for n, entry in enumerate(value, 1)]
        return _plain(name, value)

    def patient(self, short: dict[str, Any]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        observed: list[Any] = []
        for name, value in short.items():
            if name == "age":
                out["birth_date"] = None if value is None else self._born(value)
            elif name == "allergies":
                out[name] = _listing(value, _allergy)
            elif name == "conditions":
                out[name] = _listing(value, _diagnosis)
            elif name in _ANALYTES:
                observed.append({"code": name, "value": value})
            elif name == "observations" and isinstance(value, list):
                observed.extend(value)
            else:
                out[name] = _plain(name, value)
        if observed:
            out["observations"] = {"items": [self._observation(entry) for entry in observed]}
        return out

    def _born(self, age: Any) -> str:
        match = re.fullmatch(r"([0-9]+) ?(a|mo|d)", str(age))
        if match is None:
            raise ShorthandError(f"the age {age} is not written like 30 a, 6 mo or 20 d")
        number, unit = int(match.group(1)), match.group(2)
        try:
            if unit == "d":
                return (self.day - timedelta(days=number)).isoformat()
            months = self.day.year * 12 + self.day.month - 1 - number * (12 if unit == "a" else 1)
            year, month = divmod(months, 12)
            day = min(self.day.day, monthrange(year, month + 1)[1])
            return date(year, month + 1, day).isoformat()
        except (ValueError, OverflowError) as e:
            raise ShorthandError(f"nobody is as old as {age}: the calendar begins later") from e

    def _observation(self, entry: Any) -> dict[str, Any]:
        if not isinstance(entry, dict):
            raise ShorthandError("an observation is written {code: potassium, value: 6.1 mmol/L}")
        out = {name: _plain(name, value) for name, value in entry.items() if name != "code"}
        out["code"] = self._analyte(entry.get("code"))
        out.setdefault("at", (self.at - timedelta(hours=1)).isoformat())
        return out

    def item(self, family: str, number: int, entry: Any) -> dict[str, Any]:
        if not isinstance(entry, dict):
            raise ShorthandError(f"item {number} is no mapping")
        out: dict[str, Any] = {"line_id": str(number)}
        for name, value in entry.items():
            if value is None:
                out[name] = None
            elif name == "drug":
                out[name] = self._drug(value)
            elif name == "code" and family == "result":
                out[name] = self._analyte(value)
            elif name in ("code", "item"):
                out["item" if family == "billing" else "code"] = self._service(value)
            elif name == "route" and isinstance(value, str):
                out[name] = {"system": ROUTES, "code": value}
            else:
                out[name] = _plain(name, value)
        if family == "order" and "code" not in out and isinstance(out.get("drug"), dict):
            out["code"] = out["drug"]
        if family == "billing":
            out.setdefault("amount", "10.00")
        return out

    def _drug(self, name: Any) -> dict[str, Any]:
        coding = _coding(name)
        if coding is not None:
            return coding
        drugs = (*self.knowledge.drugs(self.day), *self.knowledge.drugs())
        for drug in drugs:
            if drug.code == name or drug.ingredients == (name,):
                return {"system": drug.system, "code": drug.code}
        known = [*(drug.code for drug in drugs), *(i for drug in drugs for i in drug.ingredients)]
        raise ShorthandError(_none("drug", name, known))

    def _service(self, name: Any) -> dict[str, Any]:
        coding = _coding(name)
        if coding is not None:
            return coding
        items = (*self.knowledge.items(self.day), *self.knowledge.items())
        for item in items:
            if item.code == name:
                return {"system": item.system, "code": item.code}
        known = [item.code for item in items]
        raise ShorthandError(_none("item", name, known))

    def _analyte(self, name: Any) -> dict[str, Any]:
        coding = _coding(name)
        if coding is not None:
            return coding
        for analyte in self.knowledge.analytes():
            if analyte.id == name:
                system, code = analyte.codes[0]
                return {"system": system, "code": code}
        known = [analyte.id for analyte in self.knowledge.analytes()]
        raise ShorthandError(_none("analyte", name, known))


def _none(what: str, name: Any, known: list[str]) -> str:
    """That there is no such thing, and what there is."""
    listed = sorted(set(known))
    some = ", ".join(listed[:_SHOWN]) + (" …" if len(listed) > _SHOWN else "")
    if not listed:
        return (
            f"no {what} {name}: no catalogue is loaded; with YIJIAN_KNOWLEDGE the demonstration "
            "catalogue is left out, name your own, or knowledge_base/data/demo"
        )
    return f"no {what} {name}; {words.nearest(str(name), listed) or f'there are {some}'}"


def _prune(value: Any) -> Any:
    """Without the fields that are said to be left out."""
    if isinstance(value, dict):
        return {name: _prune(v) for name, v in value.items() if v != LEFT_OUT}
    return [_prune(v) for v in value] if isinstance(value, list) else value


def _fields(short: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(name, value) for name, value in short.items()}


def _plain(name: str, value: Any) -> Any:
    """A field by the kind its name says: times, quantities, money; else as it is."""
    if isinstance(value, str) and _TIMED.search(name):
        return _time(value)
    if name in _QUANTITIES and isinstance(value, str | int | float):
        return _quantity(name, value)
    if name in _MONEY and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


def _time(value: Any) -> str:
    text = str(value)
    if not _TIME.fullmatch(text):
        raise ShorthandError(f"the time {text} is not written like {DEFAULT_AT}")
    try:
        at = datetime.fromisoformat(text)
    except ValueError as e:  # the 30th of February, the 13th month
        raise ShorthandError(f"the time {text} is none of the calendar: {e}") from e
    return (at if at.tzinfo else at.replace(tzinfo=_LOCAL)).isoformat()


def _quantity(name: str, value: str | int | float) -> dict[str, Any]:
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        raise ShorthandError(f"{name}: {value} is not written like 500 mg")
    return {"value": float(match.group(1)), "unit": match.group(2) or "1"}


def _coding(name: Any) -> dict[str, Any] | None:
    """A code that names its system itself."""
    if isinstance(name, dict):
        return name
    system, bar, code = str(name).rpartition("|")
    return {"system": system, "code": code} if bar else None


def _diagnosis(entry: Any) -> dict[str, Any]:
    if isinstance(entry, str):
        return {"code": _coding(entry) or {"system": ICD10, "code": entry}}
    if isinstance(entry, dict) and "code" not in entry and entry:  # `code: not_reported`
        return {**_fields(entry), "code": dict(NO_CODE)}
    if isinstance(entry, dict) and isinstance(entry.get("code"), str):
        return {
            **_fields(entry),
            "code": _coding(entry["code"]) or {"system": ICD10, "code": entry["code"]},
        }
    raise ShorthandError(
        "a diagnosis is written I10 or {code: I10, role: principal}; one without a code "
        "{code: not_reported, role: principal}"
    )


def _allergy(entry: Any) -> dict[str, Any]:
    if isinstance(entry, dict):
        return entry
    return {"substance": _coding(entry) or {"system": INGREDIENT_SYSTEM, "code": str(entry)}}


def _listing(value: Any, read: Any) -> Any:
    if value is None:
        return None
    if value == NONE_KNOWN:
        return {"complete": True, "items": []}
    if isinstance(value, list):
        return {"complete": True, "items": [read(entry) for entry in value]}
    if isinstance(value, dict) and set(value) == {"partial"}:
        return {"complete": False, "items": [read(entry) for entry in value["partial"]]}
    raise ShorthandError("a list is written none_known, [one, two] or {partial: [one]}")

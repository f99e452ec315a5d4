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
      - {drug: levofloxacin, dose: 500 mg, given_at: 2026-03-02T08:00+08:00} administration
      - {drug: levofloxacin, quantity: 1 盒, trace_codes: ["8"]}            dispense, stock
    kind: operation_record                  of a document, a procedure, a consultation …
    actors: {surgeon: P001}                 of a procedure; also [{id: P001, role: surgeon}]
    procedures: ["s|47.01", {code: "s|54.11", role: principal}]             settlement
    disease: A15.0                          of an infection_report, ICD-10 or `system|code`
    subject: test|patient-2                 another patient; default test|patient-1
    signed_at: 2026-03-02T09:00+08:00       of a document: when it was signed …
    signed_at_trusted: true                 … and that a trusted time stamp vouches for it

`drug` is an ingredient (the first drug of the demo catalogue that holds it alone), a code of the
catalogue, or `system|code`; `code` and `item` are codes of the demo catalogue of services, or
`system|code`; those of procedures, results and reasons are always `system|code`. A rule asks for
any of them as `system|code`: the disease above is `http://hl7.org/fhir/sid/icd-10|A15.0`; only
diagnoses are ICD-10 without a system. A document whose `signed_at_trusted` is not true fulfils a
duty in time, but one that is heard of after the limit leaves the alert, as late data. Line ids are
1, 2, 3 … unless `line_id` is given. `null` states absence; `not_reported` leaves a field out. In a
case, `given` is merged into `base`: mappings entry by entry, lists as a whole, and `item: {…}`
into the only item of the base.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec

from contracts.acts import VERBS
from contracts.event import Event
from contracts.intake import Rejected, decode
from knowledge_base import KnowledgeBase
from rules.authoring.short_values import (
    DEFAULT_AT,
    ICD10,
    LEFT_OUT,
    LOCAL,
    NO_CODE,
    NONE_KNOWN,
    ShorthandError,
    allergy,
    code_of,
    coding_of,
    diagnosis,
    fields,
    listing,
    none_of,
    plain,
    procedure,
    pruned,
    time_of,
)

__all__ = ["DEFAULT_AT", "LEFT_OUT", "NONE_KNOWN", "NO_CODE", "ShorthandError", "event_of", "merge"]

DEFAULT_INSTITUTION: Final = "demo-h1"
ROUTES: Final = "urn:yijian:demo:route"

_PEOPLE: Final = frozenset({"practitioner", "signer", "consultant", "pharmacist", "reviewer",
                            "checked_by"})  # fmt: skip
_CODES: Final = frozenset({("result", "code"), ("procedure", "code"), ("feedback", "reason")})
"""Fields of an act that are a code of any system, by family."""
_MEASURED: Final = ("result", "observation")
_PRICED: Final = ("billing", "settlement")
_PLACES: Final = {"stock": "store", "upload": "feed"}
"""Families about no patient, and the field that says which place of the institution."""
_ANALYTES: Final = ("potassium", "egfr", "creatinine")


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
        short = pruned(short)
        name = short.pop("event", None)
        family, _, verb = str(name).partition(".")
        if verb not in VERBS.get(family, ()):
            known = [f"{f}.{v}" for f, verbs in VERBS.items() for v in verbs]
            if name is None:
                raise ShorthandError("`base` names no event; write event: prescription.signed")
            raise ShorthandError(none_of("event", name, known))
        at = time_of(short.pop("at", DEFAULT_AT))
        self.at = datetime.fromisoformat(at)
        of_service = short.get("service_time")
        served = datetime.fromisoformat(time_of(of_service)) if of_service else self.at
        try:
            self.day = served.astimezone(LOCAL).date()
        except OverflowError as e:
            raise ShorthandError(f"the time {served.isoformat()} is none of the calendar") from e
        return {
            "specversion": "1.0",
            "id": str(short.pop("id", "case")),
            "source": str(short.pop("source", "urn:yijian:test")),
            "type": f"{name}.v1",
            "time": at,
            "subject": str(short.pop("subject", _subject(family, short))),
            "data": self.act(family, short),
        }

    def act(self, family: str, short: dict[str, Any]) -> dict[str, Any]:
        data: dict[str, Any] = {
            "act_id": str(short.pop("act_id", "act-1")),
            "revision": short.pop("revision", 1),
            "institution": short.pop("institution", DEFAULT_INSTITUTION),
        }
        if family == "feedback":
            data["alert_id"] = "alert-1"
        encounter = short.pop("encounter", LEFT_OUT)
        if family == "encounter" and isinstance(encounter, dict):
            data["act_id"] = encounter.pop("id", data["act_id"])
            short = {**fields(encounter), **short}
        elif encounter != LEFT_OUT:
            data["encounter"] = (
                {"id": "visit-1", **fields(encounter)} if isinstance(encounter, dict) else encounter
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
        if name in _PEOPLE and isinstance(value, str):
            return {"id": value}
        if name == "actors" and isinstance(value, dict):
            return [{"id": who, "role": role} for role, who in value.items()]
        if (family, name) in _CODES:
            return code_of(name, value)
        if name == "diagnosis" and isinstance(value, str):
            return diagnosis(value)
        if name == "allergies" and not (isinstance(value, dict) and "items" in value):
            return listing(value, allergy)
        if name == "disease":
            return coding_of(value) or {"system": ICD10, "code": value}
        if name == "procedures" and isinstance(value, list):
            return [procedure(entry) for entry in value]
        if name == "diagnoses" and isinstance(value, list):
            return [diagnosis(entry) for entry in value]
        if name == "items" and isinstance(value, list):
            return [self.item(family, n, entry) for n, entry in enumerate(value, 1)]
        return plain(name, value)

    def patient(self, short: dict[str, Any]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        observed: list[Any] = []
        for name, value in short.items():
            if name == "age":
                out["birth_date"] = None if value is None else self._born(value)
            elif name == "allergies":
                out[name] = listing(value, allergy)
            elif name == "conditions":
                out[name] = listing(value, diagnosis)
            elif name in _ANALYTES:
                observed.append({"code": name, "value": value})
            elif name == "observations" and isinstance(value, list):
                observed.extend(value)
            else:
                out[name] = plain(name, value)
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
        out = {name: plain(name, value) for name, value in entry.items() if name != "code"}
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
            elif name == "code" and family in _MEASURED:
                out[name] = self._analyte(value)
            elif name in ("code", "item"):
                out["item" if family in _PRICED else "code"] = self._service(value)
            elif name == "route" and isinstance(value, str):
                out[name] = {"system": ROUTES, "code": value}
            else:
                out[name] = plain(name, value)
        if family in ("order", "stock") and "code" not in out and isinstance(out.get("drug"), dict):
            out["code"] = out["drug"]
        if family in _PRICED:
            out.setdefault("amount", "10.00")
        return out

    def _drug(self, name: Any) -> dict[str, Any]:
        coding = coding_of(name)
        if coding is not None:
            return coding
        drugs = (*self.knowledge.drugs(self.day), *self.knowledge.drugs())
        for drug in drugs:
            if drug.code == name or drug.ingredients == (name,):
                return {"system": drug.system, "code": drug.code}
        known = [*(drug.code for drug in drugs), *(i for drug in drugs for i in drug.ingredients)]
        raise ShorthandError(none_of("drug", name, known))

    def _service(self, name: Any) -> dict[str, Any]:
        coding = coding_of(name)
        if coding is not None:
            return coding
        items = (*self.knowledge.items(self.day), *self.knowledge.items())
        for item in items:
            if item.code == name:
                return {"system": item.system, "code": item.code}
        known = [item.code for item in items]
        raise ShorthandError(none_of("item", name, known))

    def _analyte(self, name: Any) -> dict[str, Any]:
        coding = coding_of(name)
        if coding is not None:
            return coding
        for analyte in self.knowledge.analytes():
            if analyte.id == name:
                system, code = analyte.codes[0]
                return {"system": system, "code": code}
        known = [analyte.id for analyte in self.knowledge.analytes()]
        raise ShorthandError(none_of("analyte", name, known))


def _subject(family: str, short: dict[str, Any]) -> str:
    """Whom or what an event is about that does not say it: a patient, or a place."""
    place = _PLACES.get(family)
    if place is None:
        return "test|patient-1"
    institution = short.get("institution", DEFAULT_INSTITUTION)
    return f"institution:{institution}|{short.get(place) or place}"

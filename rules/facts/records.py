"""Lists of records: what `each` and `some` can go through, with the facts of their elements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from msgspec import UNSET

from contracts.acts import AllergyStatement, Condition, Observation, Procedure
from contracts.event import EVENT_TYPES
from contracts.values import Actor, Allergy, Diagnosis, Measurement, Quantity
from rules.facts.base import (
    NOT_IN_KNOWLEDGE,
    OF_PATIENTS,
    PARTIAL_LIST,
    Context,
    Element,
    Fact,
    Type,
    Value,
)
from rules.facts.event import (
    WITH_DIAGNOSES,
    WITH_ITEMS,
    is_void,
    lacks_items,
    registered,
    said_of,
)
from rules.facts.patient import ingredients_of
from rules.facts.read import absent, icd_code, key_of, reported, text
from rules.facts.remembered import patient_field
from rules.naming import distinct, line_names

NOT_REPORTED: Final = "not_reported"

Found = tuple[Sequence[Any], Sequence[str], str]
"""Records, their names within the act, and why there may be others ("": there are none)."""


@dataclass(frozen=True)
class Records:
    """A list of records. `fact` is how a decision names it where it is not fully known."""

    name: str
    fact: str
    zh: str
    en: str
    families: tuple[str, ...]
    read: Callable[[Context], Found]

    def elements(self, c: Context) -> tuple[Sequence[Element], str]:
        """The elements, made once for an event, and why there may be others."""
        if c.records is None:
            c.records = {}
        found = c.records.get(self.name)
        if found is None:
            records, names, why = self.read(c)
            found = [Element(r, n) for r, n in zip(records, names, strict=True)], why
            c.records[self.name] = found
        elements: tuple[Sequence[Element], str] = found
        return elements


def _items(c: Context) -> Found:
    items = c.data.items
    return items, line_names(items), NOT_REPORTED if lacks_items(c) else ""


def diagnosis_id(diagnosis: Diagnosis) -> str:
    """The name of a diagnosis within its act: its line id, else its code."""
    return _line(diagnosis) or diagnosis.code.code


def _line(record: Any) -> str:
    line = record.line_id
    return line if type(line) is str else ""


def _diagnoses(c: Context) -> Found:
    data = c.data
    if type(data) is Condition:
        return (data.diagnosis,), (diagnosis_id(data.diagnosis),), ""
    if data.diagnoses is UNSET:
        return (), (), NOT_REPORTED
    listed = data.diagnoses or ()
    return listed, distinct([diagnosis_id(d) for d in listed]), ""


def _of_patient(c: Context, name: str, identify: Callable[[Any], str]) -> Found:
    """A list of the snapshot; one that is stated absent is the empty complete one."""
    return _listed(patient_field(c, name), identify)


def _listed(listed: Any, identify: Callable[[Any], str]) -> Found:
    if listed is None:
        return (), (), ""
    if listed is UNSET:
        return (), (), NOT_REPORTED
    why = "" if listed.complete else PARTIAL_LIST
    return listed.items, distinct([identify(record) for record in listed.items]), why


def _allergies(c: Context) -> Found:
    def identify(allergy: Allergy) -> str:
        return _line(allergy) or allergy.substance.code

    if type(c.data) is AllergyStatement and not is_void(c):
        return _listed(c.data.allergies, identify)
    return _of_patient(c, "allergies", identify)


def _conditions(c: Context) -> Found:
    return _of_patient(c, "conditions", diagnosis_id)


def _observations(c: Context) -> Found:
    def identify(measured: Measurement) -> str:
        return _line(measured) or measured.code.code

    if type(c.data) is Observation and not is_void(c):
        items = c.data.items
        return items, distinct([identify(item) for item in items]), ""
    return _of_patient(c, "observations", identify)


_NAMED: Final = MappingProxyType({
    "document": ("signer",),
    "consultation": ("consultant",),
    "administration": ("checked_by",),
    "dispense": ("pharmacist", "reviewer"),
})  # fmt: skip
"""The fields in which an act names people beside who is responsible; they are their roles."""


def _actors(c: Context) -> Found:
    """Who takes part, each with a role. A field that is not reported may hide somebody."""
    data = c.data
    if type(data) is Procedure:
        if data.actors is UNSET:
            return (), (), NOT_REPORTED
        listed = data.actors or ()
        return listed, distinct([actor.id for actor in listed]), ""
    fields = _NAMED[EVENT_TYPES[c.event.type].family]
    named = [(name, getattr(data, name)) for name in fields]
    found = [Actor(actor.id, name) for name, actor in named if type(actor) is Actor]
    why = NOT_REPORTED if any(actor is UNSET for _, actor in named) else ""
    return found, distinct([actor.id for actor in found]), why


def _procedures(c: Context) -> Found:
    """The front page's procedures."""
    if c.data.procedures is UNSET:
        return (), (), NOT_REPORTED
    listed = c.data.procedures or ()
    return listed, distinct([_line(p) or p.code.code for p in listed]), ""


RECORDS: Final = MappingProxyType({
    records.name: records
    for records in (
        Records("items", "event.items", "明细", "Items of the act", WITH_ITEMS, _items),
        Records("diagnoses", "event.diagnoses", "诊断", "Diagnoses of the act", WITH_DIAGNOSES,
                _diagnoses),
        Records("allergies", "patient.allergies", "过敏记录", "Allergies of the patient",
                OF_PATIENTS, _allergies),
        Records("conditions", "patient.conditions", "既往疾病", "Known conditions of the patient",
                OF_PATIENTS, _conditions),
        Records("observations", "patient.observations", "观察与检验值",
                "Observed and measured values of the patient", OF_PATIENTS, _observations),
        Records("actors", "event.actors", "参与人员", "Who takes part in the act, by role",
                ("procedure", *_NAMED), _actors),
        Records("procedures", "settlement.procedures", "首页手术操作",
                "Procedures of the front page", ("settlement",), _procedures),
    )
})  # fmt: skip
"""Name to list of records."""


def some(
    c: Context, records: Records, where: Callable[..., Any], asker: Element | None
) -> bool | None:
    """Whether one record surely fulfils `where`; false where the list is complete and none can.

    `asker` is the element whose rule asks: what is fresh is judged at its time.

    The record that does, or those that might, are kept among the context's hits.
    """
    elements, why = records.elements(c)
    F = c.facts
    open_ones: list[Element] = []
    for x in elements:
        x.outer = asker
        truth = where(c, F, x, x.facts)
        if truth is True:
            _keep(c, records, (x,))
            return True
        if truth is None:
            open_ones.append(x)
    if open_ones:
        _keep(c, records, open_ones)
    return None if open_ones or why else False


def _keep(c: Context, records: Records, elements: Iterable[Element]) -> None:
    if c.hits is None:
        c.hits = {}
    c.hits.update({(records.name, x.id): x for x in elements})


def _substance_ingredients(c: Context, x: Element) -> Value:
    found = ingredients_of(c, x.of)
    return NOT_IN_KNOWLEDGE if found is None else found


def _analyte(c: Context, x: Element) -> Value:
    coding = x.of.code
    analyte = c.knowledge.analyte(coding.system, coding.code)
    return NOT_IN_KNOWLEDGE if analyte is None else analyte.id


def _measured(c: Context, x: Element) -> Value:
    """The value with its unit: in the analyte's where the knowledge base can convert it."""
    value = x.of.value
    if type(value) is not Quantity:
        return absent(value)
    coding = x.of.code
    analyte = c.knowledge.analyte(coding.system, coding.code)
    if analyte is None:
        return value
    converted = analyte.convert(value.value, value.unit)
    return value if converted is None else Quantity(value=converted, unit=analyte.unit)


def _field(name: str, read: Callable[[Any], Value] = reported) -> Any:
    return lambda c, x: read(getattr(x.of, name))


def _registered(name: str) -> Any:
    return lambda c, x: said_of(registered(c, x.of.id), name)


def _icd(c: Context, x: Element) -> Value:
    return icd_code(x.of)


def _facts(of: str, prefix: str, rows: Iterable[tuple[Any, ...]]) -> Iterable[Fact]:
    families = RECORDS[of].families
    for name, kind, zh, en, extract, *more in rows:
        options: dict[str, Any] = more[0] if more else {}
        read = dict.fromkeys(families, extract)
        yield Fact(f"{prefix}.{name}", kind, zh, en, read, of=of, **options)


_ICD: Final = {"coding": "icd10"}

FACTS: Final = (
    *_facts("diagnoses", "diagnosis", (
        ("code", Type.TEXT, "诊断编码", "ICD-10 code of the diagnosis", _icd, _ICD),
        ("role", Type.TEXT, "诊断类型", "Role of the diagnosis, e.g. principal",
         _field("role", text)),
    )),
    *_facts("allergies", "allergy", (
        ("substance", Type.TEXT, "过敏物编码", "Code of the substance, as system|code",
         _field("substance", key_of)),
        ("ingredients", Type.LIST, "过敏成分", "Ingredients that the substance stands for",
         _substance_ingredients, {"coding": "ingredient"}),
        ("reaction", Type.TEXT, "过敏反应", "The reaction, as its source names it",
         _field("reaction", text)),
        ("severity", Type.TEXT, "严重程度", "How severe it was, as its source names it",
         _field("severity", text)),
        ("recorded_at", Type.TIME, "记录时间", "When it was recorded", _field("recorded_at")),
    )),
    *_facts("conditions", "condition", (
        ("code", Type.TEXT, "疾病编码", "ICD-10 code of the condition", _icd, _ICD),
        ("role", Type.TEXT, "疾病类型", "Role of the condition, as its source names it",
         _field("role", text)),
    )),
    *_facts("observations", "observation", (
        ("code", Type.TEXT, "观察项目编码", "Code of what was observed, as system|code",
         _field("code", key_of)),
        ("analyte", Type.TEXT, "检验项目", "What was measured, by its id in the knowledge base",
         _analyte),
        ("value", Type.AMOUNT, "观察值", "The value with its unit", _measured,
         {"time": "observation.time"}),
        ("text", Type.TEXT, "文字结果", "The value where it is a word", _field("text", text),
         {"time": "observation.time"}),
        ("time", Type.TIME, "观察时间", "When it was observed or measured", _field("at")),
    )),
    *_facts("actors", "actor", (
        ("id", Type.TEXT, "参与人员编号", "Id of the person, in the registry",
         _field("id"), {"always_known": True}),
        ("role", Type.TEXT, "参与角色", "What the person does, e.g. surgeon or reviewer",
         _field("role", text)),
        ("title", Type.TEXT, "职称", "Professional title in the registry that day",
         _registered("title")),
        ("grants", Type.LIST, "授权", "What the person may prescribe or do that day",
         _registered("grants")),
        ("is_licensed", Type.BOOLEAN, "执业证有效", "Whether a licence covers the day",
         _registered("licensed")),
    )),
    *_facts("procedures", "coded_procedure", (
        ("code", Type.TEXT, "手术操作编码", "Code of the procedure, as system|code",
         _field("code", key_of), {"coding": "item"}),
        ("role", Type.TEXT, "手术操作类型", "Principal or secondary", _field("role", text)),
        ("performed_at", Type.TIME, "操作时间", "When it was performed", _field("performed_at")),
    )),
)  # fmt: skip
"""Facts of the elements of these lists; those of items are in rules.facts.items."""

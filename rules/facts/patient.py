"""Facts of the patient, as the event's source knew them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final, TypeAlias

from msgspec import UNSET
from msgspec.structs import replace

from contracts.acts import Observation, Patient
from contracts.values import Allergy, Coding, Listing, Measurement
from knowledge_base.model import Analyte
from rules.facts.base import (
    NOT_REPORTED,
    OF_PATIENTS,
    OTHER_UNIT,
    STATED_ABSENT,
    UNRECOGNISED,
    Context,
    Fact,
    Type,
    Value,
    partial,
)
from rules.facts.event import is_void
from rules.facts.read import absent, convert, icd, reported
from rules.facts.remembered import patient_field

SEXES: Final = ("female", "male", "other")
INGREDIENT_SYSTEM: Final = "urn:yijian:ingredient"
"""Allergies coded by ingredient: INN in lower case, as the knowledge base writes ingredients."""
WEIGHT: Final = "body_weight"
"""The analyte of the knowledge base."""


def _field(c: Context, name: str) -> Any:
    """A field of the snapshot; demographics come from a patient event itself."""
    data = c.data
    if type(data) is Patient and name in ("birth_date", "sex"):
        return getattr(data, name)
    return patient_field(c, name)


def _plain(name: str) -> Any:
    def extract(c: Context) -> Value:
        return reported(_field(c, name))

    return extract


def _since_birth(count: Callable[[date, date], int]) -> Callable[[Context], Value]:
    """How old on the event's day, as `count(born, day)` counts."""

    def extract(c: Context) -> Value:
        born = _field(c, "birth_date")
        if type(born) is not date:
            return absent(born)
        return count(born, c.day) if born <= c.day else UNRECOGNISED

    return extract


def _years(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _months(born: date, day: date) -> int:
    return (day.year - born.year) * 12 + day.month - born.month - (day.day < born.day)


def _days(born: date, day: date) -> int:
    return (day - born).days


def _sex(c: Context) -> Value:
    sex = _field(c, "sex")
    if type(sex) is not str:
        return absent(sex)
    return sex if sex in SEXES else UNRECOGNISED


def _weight(c: Context) -> Value:
    """As the snapshot says it; else as it was last observed."""
    weight = _field(c, "weight")
    if weight is None or weight is UNSET:
        observed = newest(c, WEIGHT)
        return absent(weight) if observed is None else value_of(observed)
    kilograms = convert(weight.value, weight.unit, "kg")
    return OTHER_UNIT if kilograms is None else kilograms


def _weight_at(c: Context) -> Value:
    """When it was observed; the snapshot's own weight has the time of an equal observation."""
    observed = newest(c, WEIGHT)
    if observed is None or value_of(observed) != _weight(c):
        return NOT_REPORTED
    return reported(observed[0].at)


def _allergies(c: Context) -> Value:
    listed = _field(c, "allergies")
    if listed is None:
        return ()
    return NOT_REPORTED if listed is UNSET else substances(c, listed)


def _stated_allergies(c: Context) -> Value:
    """Of a statement about allergies: what it states, unless it is taken back."""
    return _allergies(c) if is_void(c) else substances(c, c.data.allergies)


def substances(c: Context, listed: Listing[Allergy]) -> Value:
    """Ingredients that the patient reacts to.

    A substance that cannot be compared with ingredients leaves the list partial: it might be any
    of them.
    """
    found: dict[str, None] = {}
    complete = listed.complete
    for allergy in listed.items:
        ingredients = ingredients_of(c, allergy)
        if ingredients is None:
            complete = False
        else:
            found.update(dict.fromkeys(ingredients))
    values = tuple(found)
    return values if complete else partial(values)


def ingredients_of(c: Context, allergy: Allergy) -> tuple[str, ...] | None:
    """The ingredients that a substance stands for: a drug counts with its own. None: not known."""
    coding = allergy.substance
    if coding.system == INGREDIENT_SYSTEM:
        return (coding.code.strip().lower(),)
    drug = c.knowledge.drug(coding.system, coding.code, c.day)
    return None if drug is None else drug.ingredients


def _conditions(c: Context) -> Value:
    listed = _field(c, "conditions")
    if listed is None:
        return ()
    if listed is UNSET:
        return NOT_REPORTED
    codes = icd(listed.items)
    return codes if listed.complete or type(codes) is dict else partial(codes)


Observed: TypeAlias = tuple[Measurement, Analyte]


def _measurements(c: Context) -> tuple[Measurement, ...]:
    """What was observed of the patient; of an observation itself also what it states."""
    listed = _field(c, "observations")
    known = () if listed is UNSET or listed is None else tuple(listed.items)
    if type(c.data) is not Observation or is_void(c):
        return known
    at = c.event.time
    own = (item if isinstance(item.at, datetime) else replace(item, at=at) for item in c.data.items)
    return (*known, *own)


def newest(c: Context, analyte_id: str) -> Observed | None:
    """The newest observation of an analyte; one without a time counts as oldest.

    Times of the same instant: the one that stands last in the list.
    """
    chosen: Observed | None = None
    latest = float("-inf")
    for measurement in _measurements(c):
        coding: Coding = measurement.code
        analyte = c.knowledge.analyte(coding.system, coding.code)
        if analyte is None or analyte.id != analyte_id:
            continue
        at = measurement.at
        rank = at.timestamp() if at is not None and at is not UNSET else float("-inf")
        if chosen is None or rank >= latest:
            latest = rank
            chosen = (measurement, analyte)
    return chosen


def value_of(observed: Observed) -> Value:
    """The value in the analyte's unit."""
    measurement, analyte = observed
    value = measurement.value
    if value is None or value is UNSET:
        return UNRECOGNISED
    converted = analyte.convert(value.value, value.unit)
    return OTHER_UNIT if converted is None else converted


def none_observed(c: Context) -> Value:
    """Why there is no observation: nothing was reported, or a whole list lacks it."""
    listed = _field(c, "observations")
    if listed is UNSET or listed is None:
        return absent(listed)
    return STATED_ABSENT if listed.complete else NOT_REPORTED


def _observed(analyte_id: str) -> Any:
    def extract(c: Context) -> Value:
        found = newest(c, analyte_id)
        return none_observed(c) if found is None else value_of(found)

    return extract


def _observed_at(analyte_id: str) -> Any:
    def extract(c: Context) -> Value:
        found = newest(c, analyte_id)
        return none_observed(c) if found is None else reported(found[0].at)

    return extract


def _lab(name: str, unit: str, zh: str, en: str) -> tuple[Fact, Fact]:
    """The latest value of an analyte, and when it was observed."""
    at = f"patient.{name}_at"
    return (
        Fact(f"patient.{name}", Type.NUMBER, f"最近一次{zh}", f"Latest reported {en}",
             _same(_observed(name)), unit=unit, time=at),
        Fact(at, Type.TIME, f"最近一次{zh}的时间", f"When the latest {en} was observed",
             _same(_observed_at(name))),
    )  # fmt: skip


def _same(extract: Any) -> dict[str, Any]:
    return dict.fromkeys(OF_PATIENTS, extract)


FACTS: Final = (
    Fact("patient.id", Type.TEXT, "患者标识", "The patient as the source names them",
         _same(lambda c: c.event.subject), always_known=True),
    Fact("patient.age", Type.NUMBER, "年龄(周岁)", "Age in whole years on the service date",
         _same(_since_birth(_years)), unit="a", counts=True),
    Fact("patient.age_months", Type.NUMBER, "月龄", "Age in whole months on the service date",
         _same(_since_birth(_months)), unit="mo", counts=True),
    Fact("patient.age_days", Type.NUMBER, "日龄", "Age in days on the service date",
         _same(_since_birth(_days)), unit="d", counts=True),
    Fact("patient.sex", Type.TEXT, "性别", "Sex", _same(_sex), words=SEXES),
    Fact("patient.pregnant", Type.BOOLEAN, "是否妊娠", "Whether the patient is pregnant",
         _same(_plain("pregnant"))),
    Fact("patient.lactating", Type.BOOLEAN, "是否哺乳", "Whether the patient is breast-feeding",
         _same(_plain("lactating"))),
    Fact("patient.weight", Type.NUMBER, "体重", "Body weight", _same(_weight), unit="kg",
         time="patient.weight_at"),
    Fact("patient.weight_at", Type.TIME, "测量体重的时间", "When the weight was observed",
         _same(_weight_at)),
    Fact("patient.chronic_pain", Type.BOOLEAN, "癌痛或中重度慢性疼痛",
         "Cancer pain, or moderate to severe chronic pain", _same(_plain("chronic_pain"))),
    Fact("patient.allergies", Type.LIST, "过敏成分", "Ingredients that the patient is allergic to",
         {**_same(_allergies), "allergy": _stated_allergies}, coding="ingredient"),
    Fact("patient.conditions", Type.LIST, "既往疾病编码(ICD-10)",
         "ICD-10 codes of the patient's known conditions", _same(_conditions), coding="icd10"),
    *_lab("potassium", "mmol/L", "血钾", "potassium"),
    *_lab("egfr", "mL/min/{1.73_m2}", "估算肾小球滤过率", "eGFR"),
    *_lab("creatinine", "umol/L", "血肌酐", "creatinine"),
)  # fmt: skip

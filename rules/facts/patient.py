"""Facts of the patient, as the event's source knew them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from msgspec import UNSET

from contracts.acts import FAMILIES, Patient
from contracts.values import Allergy, Coding, Listing, Measurement, PatientSnapshot
from rules.facts.base import (
    NOT_REPORTED,
    OTHER_UNIT,
    STATED_ABSENT,
    UNRECOGNISED,
    Context,
    Fact,
    Type,
    Value,
    partial,
)
from rules.facts.read import absent, convert, icd, reported

ALL: Final = tuple(FAMILIES)
SEXES: Final = ("female", "male", "other")
INGREDIENT_SYSTEM: Final = "urn:yijian:ingredient"
"""Allergies coded by ingredient: INN in lower case, as the knowledge base writes ingredients."""


def _field(c: Context, name: str) -> Any:
    """A field of the snapshot; demographics come from a patient event itself."""
    data = c.data
    if type(data) is Patient and name in ("birth_date", "sex"):
        return getattr(data, name)
    snapshot = data.patient
    return getattr(snapshot, name) if type(snapshot) is PatientSnapshot else UNSET


def _plain(name: str) -> Any:
    def extract(c: Context) -> Value:
        return reported(_field(c, name))

    return extract


def _age(c: Context) -> Value:
    born = _field(c, "birth_date")
    if type(born) is not date:
        return absent(born)
    day = c.day
    if born > day:
        return UNRECOGNISED
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _age_days(c: Context) -> Value:
    born = _field(c, "birth_date")
    if type(born) is not date:
        return absent(born)
    days = (c.day - born).days
    return days if days >= 0 else UNRECOGNISED


def _sex(c: Context) -> Value:
    sex = _field(c, "sex")
    if type(sex) is not str:
        return absent(sex)
    return sex if sex in SEXES else UNRECOGNISED


def _weight(c: Context) -> Value:
    weight = _field(c, "weight")
    if weight is None or weight is UNSET:
        return absent(weight)
    kilograms = convert(weight.value, weight.unit, "kg")
    return OTHER_UNIT if kilograms is None else kilograms


def _allergies(c: Context) -> Value:
    listed = _field(c, "allergies")
    if listed is None:
        return ()
    return NOT_REPORTED if listed is UNSET else substances(c, listed)


def substances(c: Context, listed: Listing[Allergy]) -> Value:
    """Ingredients that the patient reacts to.

    A drug of the knowledge base counts with its ingredients. A substance that cannot be
    compared with ingredients leaves the list partial: it might be any of them.
    """
    found: dict[str, None] = {}
    complete = listed.complete
    for allergy in listed.items:
        coding = allergy.substance
        if coding.system == INGREDIENT_SYSTEM:
            found[coding.code.strip().lower()] = None
            continue
        drug = c.knowledge.drug(coding.system, coding.code, c.day)
        if drug is not None:
            found.update(dict.fromkeys(drug.ingredients))
        else:
            complete = False
    values = tuple(found)
    return values if complete else partial(values)


def _conditions(c: Context) -> Value:
    listed = _field(c, "conditions")
    if listed is None:
        return ()
    if listed is UNSET:
        return NOT_REPORTED
    codes = icd(listed.items)
    return codes if listed.complete or type(codes) is dict else partial(codes)


def _observed(analyte_id: str) -> Any:
    def extract(c: Context) -> Value:
        listed = _field(c, "observations")
        if listed is UNSET or listed is None:
            return absent(listed)
        found = latest(c, analyte_id, listed.items)
        if found is None:
            return STATED_ABSENT if listed.complete else NOT_REPORTED
        return found

    return extract


def latest(c: Context, analyte_id: str, measured: Iterable[Measurement]) -> Value | None:
    """The newest value of an analyte in its unit; one without a time counts as oldest."""
    chosen: tuple[float, Any, Any] | None = None
    for measurement in measured:
        coding: Coding = measurement.code
        analyte = c.knowledge.analyte(coding.system, coding.code)
        if analyte is None or analyte.id != analyte_id:
            continue
        at = measurement.at
        rank = at.timestamp() if at is not None and at is not UNSET else float("-inf")
        if chosen is None or rank >= chosen[0]:
            chosen = (rank, measurement, analyte)
    if chosen is None:
        return None
    _, measurement, analyte = chosen
    value = measurement.value
    if value is None or value is UNSET:
        return UNRECOGNISED
    converted = analyte.convert(value.value, value.unit)
    return OTHER_UNIT if converted is None else converted


def _same(extract: Any) -> dict[str, Any]:
    return dict.fromkeys(ALL, extract)


FACTS: Final = (
    Fact("patient.id", Type.TEXT, "患者标识", "The patient as the source names them",
         _same(lambda c: c.event.subject), always_known=True),
    Fact("patient.age", Type.NUMBER, "年龄(周岁)", "Age in whole years on the service date",
         _same(_age), unit="a"),
    Fact("patient.age_days", Type.NUMBER, "日龄", "Age in days on the service date",
         _same(_age_days), unit="d"),
    Fact("patient.sex", Type.TEXT, "性别", "Sex", _same(_sex), words=SEXES),
    Fact("patient.pregnant", Type.BOOLEAN, "是否妊娠", "Whether the patient is pregnant",
         _same(_plain("pregnant"))),
    Fact("patient.lactating", Type.BOOLEAN, "是否哺乳", "Whether the patient is breast-feeding",
         _same(_plain("lactating"))),
    Fact("patient.weight", Type.NUMBER, "体重", "Body weight", _same(_weight), unit="kg"),
    Fact("patient.chronic_pain", Type.BOOLEAN, "癌痛或中重度慢性疼痛",
         "Cancer pain, or moderate to severe chronic pain", _same(_plain("chronic_pain"))),
    Fact("patient.allergies", Type.LIST, "过敏成分", "Ingredients that the patient is allergic to",
         _same(_allergies), coding="ingredient"),
    Fact("patient.conditions", Type.LIST, "既往疾病编码(ICD-10)",
         "ICD-10 codes of the patient's known conditions", _same(_conditions), coding="icd10"),
    Fact("patient.potassium", Type.NUMBER, "最近一次血钾", "Latest reported potassium",
         _same(_observed("potassium")), unit="mmol/L"),
    Fact("patient.egfr", Type.NUMBER, "最近一次估算肾小球滤过率", "Latest reported eGFR",
         _same(_observed("egfr")), unit="mL/min/{1.73_m2}"),
)  # fmt: skip

"""Facts of the event itself, of its visit, of who signed it and where."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import UNSET

from contracts.acts import FAMILIES, VOIDING, Encounter, phase_of
from contracts.event import EVENT_TYPES
from contracts.values import Actor, EncounterRef
from rules.facts.base import (
    NOT_IN_REGISTRY,
    NOT_REPORTED,
    OF_PATIENTS,
    UNRECOGNISED,
    Context,
    Fact,
    Type,
    Value,
)
from rules.facts.read import absent, as_of, icd, key_of, local_day, note, reported, text

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ALL: Final = tuple(FAMILIES)
WITH_PAIRS: Final = ("prescription", "order", "billing")
"""Whose lines are looked at as pairs: what the same act prescribes, orders or charges."""
WITH_DRUGS: Final = (*WITH_PAIRS, "administration", "dispense", "settlement", "stock")
WITH_ITEMS: Final = (*WITH_DRUGS, "result")
WITH_DIAGNOSES: Final = (
    "prescription", "order", "billing", "encounter", "condition", "settlement",
)  # fmt: skip
TYPES: Final = tuple(name.rsplit(".", 1)[0] for name in EVENT_TYPES)
VERBS: Final = tuple(sorted({known.verb for known in EVENT_TYPES.values()}))
ENCOUNTER_KINDS: Final = ("outpatient", "emergency", "inpatient", "internet")


def _type(c: Context) -> Value:
    return c.event.type.rsplit(".", 1)[0]


def _family(c: Context) -> Value:
    return EVENT_TYPES[c.event.type].family


def _verb(c: Context) -> Value:
    return EVENT_TYPES[c.event.type].verb


def _phase(c: Context) -> Value:
    known = EVENT_TYPES[c.event.type]
    return phase_of(known.verb, known.family)


def is_void(c: Context) -> bool:
    """Whether the event takes back what it states."""
    return EVENT_TYPES[c.event.type].verb in VOIDING


def lacks_items(c: Context) -> bool:
    """Whether an act that must have lines came without any: they were not reported."""
    return not c.data.items and not is_void(c)


def _item_count(c: Context) -> Value:
    return NOT_REPORTED if lacks_items(c) else len(c.data.items)


def _diagnoses(c: Context) -> Value:
    listed = c.data.diagnoses
    if listed is UNSET:
        return NOT_REPORTED
    return icd(listed or ())


def _diagnosis_count(c: Context) -> Value:
    listed = c.data.diagnoses
    if listed is UNSET:
        return NOT_REPORTED
    return len(listed) if listed else 0


def _own_diagnosis(c: Context) -> Value:
    """Of a condition: the one diagnosis that it is about."""
    return icd((c.data.diagnosis,))


def _service_date(c: Context) -> Value:
    """The day of the event itself, which an item of another day may be read beside."""
    try:
        return local_day(as_of(c, None), c.zone)
    except OverflowError:  # at the very ends of the calendar
        return c.day


def _days_since_signed(c: Context) -> Value:
    signed = c.data.signed_at
    if not isinstance(signed, datetime):
        return absent(signed)
    dispensed = c.data.dispensed_at
    until = dispensed if isinstance(dispensed, datetime) else c.event.time
    return (local_day(until, c.zone) - local_day(signed, c.zone)).days


def of_encounter(c: Context, name: str) -> Any:
    """A field of the visit: of the act's reference, or of the encounter that the event is about."""
    data = c.data
    if type(data) is Encounter:
        return data.act_id if name == "id" else getattr(data, name)
    encounter = data.encounter
    return getattr(encounter, name) if type(encounter) is EncounterRef else UNSET


def _encounter_fact(name: str) -> Any:
    def extract(c: Context) -> Value:
        return reported(of_encounter(c, name))

    return extract


def _encounter_day(name: str) -> Any:
    """The calendar day of an instant of the visit, in the institution's time zone."""

    def extract(c: Context) -> Value:
        at = of_encounter(c, name)
        return local_day(at, c.zone) if isinstance(at, datetime) else absent(at)

    return extract


def _encounter_kind(c: Context) -> Value:
    kind = of_encounter(c, "kind")
    if not isinstance(kind, str):
        return absent(kind)
    return kind if kind in ENCOUNTER_KINDS else UNRECOGNISED


def _practitioner_id(c: Context) -> Value:
    actor = c.data.practitioner
    return actor.id if type(actor) is Actor else absent(actor)


def _person(c: Context) -> Any:
    """The registry's entry of who signed, or why there is none."""
    if c.person is None:
        actor = c.data.practitioner
        if type(actor) is not Actor:
            c.person = absent(actor)
        else:
            c.person = registered(c, actor.id)
    return c.person


def registered(c: Context, practitioner_id: str) -> Any:
    """The registry's entry of a person that day; unknown where there is none."""
    entry = c.knowledge.practitioner(c.data.institution, practitioner_id, c.day)
    return NOT_IN_REGISTRY if entry is None else entry


def said_of(person: Any, name: str) -> Value:
    """What the registry's entry says under a name."""
    if type(person) is dict:
        return person
    value = getattr(person, name)
    if value is None:
        return NOT_IN_REGISTRY
    # A set's order differs from process to process; a decision's must not.
    return tuple(sorted(value)) if type(value) is frozenset else value


def _practitioner(name: str) -> Any:
    return lambda c: said_of(_person(c), name)


def _institution(name: str) -> Any:
    def extract(c: Context) -> Value:
        entry = c.knowledge.institution(c.data.institution, c.day)
        return NOT_IN_REGISTRY if entry is None else said_of(entry, name)

    return extract


def _approved_beds(c: Context) -> Value:
    found = c.knowledge.approved_beds(c.data.institution, c.day)
    return NOT_IN_REGISTRY if found is None else found


def _same(families: tuple[str, ...], extract: Any) -> dict[str, Any]:
    return dict.fromkeys(families, extract)


def _field(name: str) -> Any:
    def extract(c: Context) -> Value:
        return reported(getattr(c.data, name))

    return extract


def _text_field(name: str) -> Any:
    def extract(c: Context) -> Value:
        return text(getattr(c.data, name))

    return extract


def _due_at(c: Context) -> Value:
    due_us = c.recalled.due_us if c.recalled is not None else None
    return NOT_REPORTED if due_us is None else _EPOCH + timedelta(microseconds=due_us)


FACTS: Final = (
    Fact("event.type", Type.TEXT, "事件类型", "Type of the event, e.g. prescription.signed",
         _same(ALL, _type), words=TYPES, always_known=True),
    Fact("event.family", Type.TEXT, "事件类别", "Family of the event: the first word of its type",
         _same(ALL, _family), words=ALL, always_known=True),
    Fact("event.verb", Type.TEXT, "事件动作", "What happened to the act: the type's second word",
         _same(ALL, _verb), words=VERBS, always_known=True),
    Fact("event.phase", Type.TEXT, "阶段(事前、事中、事后)", "Phase: pre, during or post",
         _same(ALL, _phase), words=("pre", "during", "post"), always_known=True),
    Fact("event.time", Type.TIME, "事件时间", "When it happened, as the source says",
         _same(ALL, lambda c: c.event.time), always_known=True),
    Fact("event.service_date", Type.DATE, "服务日期(机构时区)",
         "The service date, in the institution's time zone", _same(ALL, _service_date),
         always_known=True),
    Fact("deadline.due_at", Type.TIME, "应完成时间", "When what a rule expects was due",
         _same(ALL, _due_at)),
    Fact("event.department", Type.TEXT, "科室", "Department of the act, as its source names it",
         _same(ALL, _text_field("department"))),
    Fact("event.institution", Type.TEXT, "机构编号", "Id of the institution",
         _same(ALL, lambda c: c.data.institution), always_known=True),
    Fact("event.act_id", Type.TEXT, "行为编号", "Id of the act; other acts refer to it",
         _same(ALL, lambda c: c.data.act_id), always_known=True),
    Fact("event.diagnoses", Type.LIST, "诊断编码(ICD-10)", "ICD-10 codes of the act's diagnoses",
         {**_same(WITH_DIAGNOSES, _diagnoses), "condition": _own_diagnosis}, coding="icd10"),
    Fact("event.diagnosis_count", Type.NUMBER, "诊断个数", "Number of diagnoses, coded or not",
         {**_same(WITH_DIAGNOSES, _diagnosis_count), "condition": lambda c: 1}, unit="1",
         counts=True),
    Fact("event.item_count", Type.NUMBER, "项目条数", "Number of items",
         _same(WITH_ITEMS, _item_count), unit="1", counts=True),
    Fact("event.days_since_signed", Type.NUMBER, "开具后天数",
         "Calendar days from signature to dispensing, else to the event",
         _same(("prescription",), _days_since_signed), unit="d", counts=True),
    Fact("event.extended_days", Type.NUMBER, "处方有效期延长天数",
         "Days by which the prescriber extended the validity",
         _same(("prescription",), _field("extended_days")), unit="d"),
    Fact("event.note", Type.NOTE, "备注", "A free-text note on the act",
         _same(ALL, lambda c: note(c.data.note))),
    Fact("encounter.id", Type.TEXT, "就诊号", "Id of the visit or stay",
         _same(OF_PATIENTS, _encounter_fact("id"))),
    Fact("encounter.kind", Type.TEXT, "就诊方式", "Kind of the visit",
         _same(OF_PATIENTS, _encounter_kind), words=ENCOUNTER_KINDS),
    Fact("encounter.started_at", Type.TIME, "就诊或入院时间", "Start of the visit, or admission",
         _same(OF_PATIENTS, _encounter_fact("started_at"))),
    Fact("encounter.ended_at", Type.TIME, "离院或出院时间", "End of the visit, or discharge",
         _same(OF_PATIENTS, _encounter_fact("ended_at"))),
    Fact("encounter.start_date", Type.DATE, "就诊或入院日期(机构时区)",
         "Calendar day of its start, in the institution's time zone",
         _same(OF_PATIENTS, _encounter_day("started_at"))),
    Fact("encounter.end_date", Type.DATE, "离院或出院日期(机构时区)",
         "Calendar day of its end, in the institution's time zone",
         _same(OF_PATIENTS, _encounter_day("ended_at"))),
    Fact("encounter.is_rescue", Type.BOOLEAN, "是否抢救", "Whether the patient is being rescued",
         _same(OF_PATIENTS, _encounter_fact("is_rescue"))),
    Fact("encounter.is_planned", Type.BOOLEAN, "是否择期就诊或入院",
         "Whether the visit or admission was planned beforehand",
         _same(("encounter",), _field("planned"))),
    Fact("encounter.ward", Type.TEXT, "病区", "The ward, as its source names it",
         _same(("encounter",), _text_field("ward"))),
    Fact("encounter.disposition", Type.TEXT, "离院去向",
         "Where the patient went, as its source names it",
         _same(("encounter",), _text_field("disposition"))),
    Fact("result.order_id", Type.TEXT, "申请单编号", "Act id of the order that it answers",
         _same(("result",), _text_field("order_id"))),
    Fact("result.code", Type.TEXT, "检查检验项目编码", "Code of the examination, as system|code",
         _same(("result",), lambda c: key_of(c.data.code)), coding="item"),
    Fact("result.is_mutually_recognised", Type.BOOLEAN, "是否互认",
         "Whether other institutions are to accept it instead of examining again",
         _same(("result",), _field("mutually_recognised"))),
    Fact("practitioner.id", Type.TEXT, "医务人员编号", "Id of who signed, in the registry",
         _same(ALL, _practitioner_id)),
    Fact("practitioner.title", Type.TEXT, "职称", "Professional title in the registry that day",
         _same(ALL, _practitioner("title"))),
    Fact("practitioner.grants", Type.LIST, "授权", "What the person may prescribe or do that day",
         _same(ALL, _practitioner("grants"))),
    Fact("practitioner.is_licensed", Type.BOOLEAN, "执业证有效", "Whether a licence covers the day",
         _same(ALL, _practitioner("licensed"))),
    Fact("practitioner.payment_active", Type.BOOLEAN, "医保支付资格有效",
         "Whether the insurer pays for the person's acts that day",
         _same(ALL, _practitioner("active_payment"))),
    Fact("institution.level", Type.TEXT, "机构等级", "Level of the institution",
         _same(ALL, _institution("level")), words=("tertiary", "secondary", "primary")),
    Fact("institution.kind", Type.TEXT, "机构类别", "Kind of the institution",
         _same(ALL, _institution("kind"))),
    Fact("institution.approved_beds", Type.NUMBER, "核准床位数",
         "Beds that the institution's licence allows that day",
         _same(ALL, _approved_beds), unit="1", counts=True),
)  # fmt: skip

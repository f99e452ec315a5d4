"""What comes out of an import: an event, or a resource that was left out and why."""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from contracts.decision import Words
from contracts.event import Event, family_of


class Skip(StrEnum):
    """Why a resource gave no event. Public: reports and scripts read these words."""

    NOT_JSON = "not_json"
    NOT_A_RESOURCE = "not_a_resource"
    NO_RESOURCE = "no_resource"
    DUPLICATE = "duplicate"
    TYPE_NOT_MAPPED = "type_not_mapped"
    REFERENCED_ONLY = "referenced_only"
    INVALID = "invalid"
    STATUS = "status"
    NOT_AN_ACT = "not_an_act"
    NEGATIVE_STATEMENT = "negative_statement"
    SUBJECT_MISSING = "subject_missing"
    SUBJECT_UNRESOLVED = "subject_unresolved"
    CODE_MISSING = "code_missing"
    MEDICATION_UNRESOLVED = "medication_unresolved"
    TIME_MISSING = "time_missing"
    TIME_INVALID = "time_invalid"
    NUMBER_OUT_OF_RANGE = "number_out_of_range"
    AMOUNT_MISSING = "amount_missing"
    CURRENCY_MIXED = "currency_mixed"
    NO_VALUE = "no_value"
    CONTRACT = "contract"


class Note(StrEnum):
    """What an event says less exactly than its resource, or by assumption."""

    ZONE_ASSUMED = "zone_assumed"
    PARTIAL_DATE = "partial_date"
    TIME_SUBSTITUTED = "time_substituted"
    END_TIME_UNKNOWN = "end_time_unknown"
    ENCOUNTER_UNRESOLVED = "encounter_unresolved"
    DIAGNOSIS_UNRESOLVED = "diagnosis_unresolved"
    CODE_IS_TEXT = "code_is_text"
    DOSAGE_NOT_SINGLE = "dosage_not_single"
    VALUE_AS_TEXT = "value_as_text"
    VALUE_NOT_MAPPED = "value_not_mapped"
    LINE_WITHOUT_AMOUNT = "line_without_amount"
    AMOUNT_FROM_TOTAL = "amount_from_total"
    TOTAL_DIFFERS = "total_differs"
    LINK_NOT_MAPPED = "link_not_mapped"


REASONS: Final[dict[Skip, Words]] = {
    Skip.NOT_JSON: Words(zh="不是 JSON", en="not JSON"),
    Skip.NOT_A_RESOURCE: Words(zh="不是 FHIR 资源", en="not a FHIR resource"),
    Skip.NO_RESOURCE: Words(zh="条目不含资源", en="entry without a resource"),
    Skip.DUPLICATE: Words(zh="同一资源重复出现", en="the same resource again"),
    Skip.TYPE_NOT_MAPPED: Words(zh="该类资源不产生事件", en="no event for this resource type"),
    Skip.REFERENCED_ONLY: Words(
        zh="仅供其他资源引用", en="read only where other resources refer to it"
    ),
    Skip.INVALID: Words(zh="不符合 FHIR R4", en="not valid FHIR R4"),
    Skip.STATUS: Words(zh="状态不产生事件", en="no event for this status"),
    Skip.NOT_AN_ACT: Words(zh="是计划或建议, 不是医疗行为", en="a plan or proposal, not an act"),
    Skip.NEGATIVE_STATEMENT: Words(
        zh="否定或非现行陈述", en="a statement that something is not (or no longer) the case"
    ),
    Skip.SUBJECT_MISSING: Words(zh="未写明患者", en="no patient is named"),
    Skip.SUBJECT_UNRESOLVED: Words(
        zh="所引用的患者不在输入中", en="the patient referred to is not in the input"
    ),
    Skip.CODE_MISSING: Words(zh="缺少编码", en="no code"),
    Skip.MEDICATION_UNRESOLVED: Words(
        zh="所引用的药品不在输入中", en="the medication referred to is not in the input"
    ),
    Skip.TIME_MISSING: Words(zh="没有可用的时间", en="no time to date the event by"),
    Skip.TIME_INVALID: Words(zh="时间无法识别", en="a time that cannot be read"),
    Skip.NUMBER_OUT_OF_RANGE: Words(zh="数值超出范围", en="a number out of range"),
    Skip.AMOUNT_MISSING: Words(zh="没有金额", en="no amount"),
    Skip.CURRENCY_MIXED: Words(zh="一张单据多种币种", en="several currencies in one claim"),
    Skip.NO_VALUE: Words(zh="没有值", en="no value"),
    Skip.CONTRACT: Words(zh="不符合事件契约", en="refused by the event contract"),
}
"""What a person reads for each reason."""

NOTES: Final[dict[Note, Words]] = {
    Note.ZONE_ASSUMED: Words(
        zh="日期无时区, 按给定时区解释", en="date without an offset, read in the given zone"
    ),
    Note.PARTIAL_DATE: Words(
        zh="只有年或年月, 取其首日; 出生日期不全则视为未报告",
        en="year or month only: its first day is taken; a partial birth date is not reported",
    ),
    Note.TIME_SUBSTITUTED: Words(
        zh="缺少本来的时间, 用次优时间代替",
        en="the proper time is missing, the next best stands in",
    ),
    Note.END_TIME_UNKNOWN: Words(
        zh="已终止但时间不明, 未产生终止事件", en="ended at an unknown time: no event for the end"
    ),
    Note.ENCOUNTER_UNRESOLVED: Words(
        zh="所引用的就诊不在输入中", en="the encounter referred to is not in the input"
    ),
    Note.DIAGNOSIS_UNRESOLVED: Words(
        zh="所引用的诊断不在输入中", en="a diagnosis referred to is not in the input"
    ),
    Note.CODE_IS_TEXT: Words(zh="只有文字, 没有编码", en="text in place of a code"),
    Note.DOSAGE_NOT_SINGLE: Words(
        zh="剂量或频次不止一个, 未报告", en="no single dose or frequency: not reported"
    ),
    Note.VALUE_AS_TEXT: Words(zh="值以文字传递", en="the value travels as text"),
    Note.VALUE_NOT_MAPPED: Words(zh="值的类型未转换", en="a value of a type that is not mapped"),
    Note.LINE_WITHOUT_AMOUNT: Words(zh="明细无金额, 未列入", en="line without an amount left out"),
    Note.AMOUNT_FROM_TOTAL: Words(
        zh="金额由合计减其他明细得出", en="amount computed as total less the other lines"
    ),
    Note.TOTAL_DIFFERS: Words(zh="合计与明细不符", en="the total differs from the lines"),
    Note.LINK_NOT_MAPPED: Words(zh="患者关联未转换", en="a link between patients is not mapped"),
}
"""What a person reads for each note."""


class Refusal(Exception):
    """Ends the mapping of one resource; the importer turns it into a `Skipped`."""

    def __init__(self, reason: Skip, path: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.path = path
        self.detail = detail


class Place(NamedTuple):
    """Where a resource stood: the 1-based position of its file in the call, and the entry.

    The name of the file is left out on purpose: exports are often named after the patient.
    """

    file: int
    entry: str


@dataclass(frozen=True, slots=True)
class Imported:
    """An event that the contract accepts, with the bytes to send for it.

    `part` counts the events of one resource from 1.
    """

    event: Event
    value: builtins.bytes
    resource_type: str
    place: Place
    part: int = 1
    notes: tuple[Note, ...] = ()

    @property
    def topic_family(self) -> str:
        """The family whose intake topic takes the event."""
        return family_of(self.event.type)

    @property
    def key(self) -> builtins.bytes:
        """The Kafka key: the subject."""
        return self.event.subject.encode()

    @property
    def bytes(self) -> builtins.bytes:
        """The record's value: `value` by the name that feeding asks for."""
        return self.value


@dataclass(frozen=True, slots=True)
class Skipped:
    """A resource, entry or file without an event. `path` is the field, `detail` quotes no value."""

    resource_type: str
    place: Place
    reason: Skip
    path: str
    detail: str


Outcome: TypeAlias = Imported | Skipped

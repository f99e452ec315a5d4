"""Facts of what is accounted for: settlements with their front page, uploads, answers to alerts.

The front page's procedures with their roles are the list `procedures`, in rules.facts.records.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import UNSET

from contracts.alert_states import APPEAL, RESPONSES
from contracts.alert_states import OUTCOMES as REVIEWED
from rules.facts.base import NOT_REPORTED, STATED_ABSENT, Context, Type, Value
from rules.facts.fields import Family
from rules.facts.read import icd_code, key_of

OUTCOMES: Final = ("home", "transferred", "community", "against_advice", "died", "other")
PRINCIPAL: Final = "principal"


def _principal(field: str, read: Callable[[Any], Value]) -> Callable[[Context], Value]:
    """What is read of the list's principal entry; one without a role might be it."""

    def extract(c: Context) -> Value:
        listed = getattr(c.data, field)
        if listed is UNSET:
            return NOT_REPORTED
        for entry in listed or ():
            if entry.role == PRINCIPAL:
                return read(entry)
        is_open = any(entry.role is UNSET for entry in listed or ())
        return NOT_REPORTED if is_open else STATED_ABSENT

    return extract


_SET: Final = Family("settlement")
_UP: Final = Family("upload")
_BACK: Final = Family("feedback")

FACTS: Final = (
    _SET.fact("principal_diagnosis", Type.TEXT, "主要诊断编码", "ICD-10 code of the principal "
              "diagnosis", _principal("diagnoses", icd_code), coding="icd10"),
    _SET.listed("procedures", "手术操作编码", "Codes of the procedures, as system|code",
                lambda p: key_of(p.code), coding="item"),
    _SET.fact("principal_procedure", Type.TEXT, "主要手术操作编码",
              "Code of the principal procedure, as system|code",
              _principal("procedures", lambda p: key_of(p.code)), coding="item"),
    _SET.text("drg_code", "DRG 分组编码", "The DRG, as the grouper wrote it"),
    _SET.text("benefit", "医疗类别", "The kind of benefit, as its source names it"),
    _SET.time("admitted_at", "入院时间", "Admission, as the front page says it"),
    _SET.time("discharged_at", "出院时间", "Discharge, as the front page says it"),
    _SET.time("settled_at", "结算时间", "When it was settled"),
    _SET.lasted("discharge_to_settlement", "出院至结算时间", "From the discharge to the settlement",
                "discharged_at", "settled_at"),
    _SET.word("outcome", "离院方式", "How the patient left", OUTCOMES),
    _SET.money("total", "总费用", "Everything that it costs"),
    _SET.money("fund_paid", "基金支付金额", "How much of it the insurance fund pays"),
    _UP.text("feed", "数据类别", "Which data were uploaded, as the receiver names them"),
    _UP.number("records", "上传条数", "Number of uploaded records"),
    _UP.number("refused", "拒收条数", "Number of records that the receiver refused"),
    _UP.time("first_event_at", "最早业务时间", "Time of the earliest record"),
    _UP.time("last_event_at", "最晚业务时间", "Time of the latest record"),
    _UP.time("received_at", "接收时间", "When the upload was received"),
    _UP.lasted("delay", "最早业务至接收时间", "From the earliest record to the receipt",
               "first_event_at", "received_at"),
    _BACK.text("alert_id", "告警编号", "Id of the alert that it answers"),
    _BACK.word("response", "反馈", "What is answered", (*RESPONSES, *APPEAL)),
    _BACK.code("reason", "反馈理由编码", "Code of the reason, as system|code"),
    _BACK.text("rule_id", "规则编号", "Id of the rule that gave the alert"),
    _BACK.number("rule_version", "规则版本", "Version of that rule"),
    _BACK.text("decision_id", "决策编号", "Id of the decision that holds the alert"),
    _BACK.word("outcome", "复核结论", "What a review found", REVIEWED),
)  # fmt: skip

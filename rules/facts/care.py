"""Facts of what is done and written beside orders: documents, procedures, consultations, reports.

Who takes part is the list `actors`, in rules.facts.records.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from contracts.values import Actor
from rules.facts.base import UNRECOGNISED, Context, Type, Value
from rules.facts.event import of_encounter
from rules.facts.fields import Family
from rules.facts.read import absent, reported

DOCUMENTS: Final = (
    "admission_note", "first_progress_note", "progress_note", "ward_round", "stage_summary",
    "handover", "transfer_note", "consultation_note", "multidisciplinary_note", "rescue_record",
    "preoperative_discussion", "safety_checklist", "operation_record", "postoperative_note",
    "anaesthesia_record", "transfusion_record", "critical_value_note", "antimicrobial_review",
    "vte_assessment", "nursing_record", "informed_consent", "front_page", "discharge_record",
    "death_record", "death_discussion",
)  # fmt: skip
"""Kinds of records (病历文书) that rules can ask for; a hospital's own ones are unrecognised."""
SIGNERS: Final = ("resident", "attending", "chief")
PROCEDURES: Final = ("surgery", "anaesthesia", "intervention", "endoscopy")
INCISIONS: Final = ("0", "I", "II", "III")
LEVELS: Final = (1, 2, 3, 4)
CONSULTATIONS: Final = ("department", "hospital", "multidisciplinary", "antimicrobial", "remote")
URGENCIES: Final = ("routine", "urgent")
CASES: Final = ("suspected", "clinical", "confirmed", "carrier")
ACKNOWLEDGED: Final = ("received", "handled")


def _signer(c: Context) -> Value:
    signer = c.data.signer
    return signer.id if type(signer) is Actor else absent(signer)


def _since_admission(c: Context) -> Value:
    started, signed = of_encounter(c, "started_at"), c.data.signed_at
    for at in (started, signed):
        if type(at) is not datetime:
            return absent(at)
    return signed - started


def _level(c: Context) -> Value:
    level = c.data.level
    return level if level in LEVELS else UNRECOGNISED if type(level) is int else reported(level)


_DOC: Final = Family("document")
_PROC: Final = Family("procedure")
_CON: Final = Family("consultation")
_CARD: Final = Family("infection_report")
_ACK: Final = Family("acknowledgement")

FACTS: Final = (
    _DOC.word("kind", "病历文书类别", "What kind of record is written", DOCUMENTS),
    _DOC.text("about", "所记录行为的编号", "Act id of what it documents"),
    _DOC.time("signed_at", "签名时间", "When it was signed"),
    _DOC.flag("signed_at_trusted", "签名时间是否可信",
              "Whether a trusted time stamp vouches for the time of the signature"),
    _DOC.fact("signer", Type.TEXT, "签名人编号", "Id of the highest signature so far", _signer),
    _DOC.word("signer_level", "签名人级别", "Level of the highest signature", SIGNERS),
    _DOC.time("starts_at", "记录起始时间", "From when on it covers what happened"),
    _DOC.time("ends_at", "记录截止时间", "Until when it covers what happened"),
    _DOC.period("记录所涵盖的期间", "The time that it covers", "starts_at", "ends_at"),
    _DOC.fact("since_admission", Type.DURATION, "入院至签名的时间",
              "From the start of the visit to the signature", _since_admission,
              ends=("encounter.started_at", "document.signed_at")),
    _PROC.word("kind", "操作类别", "Surgery, anaesthesia, intervention or endoscopy", PROCEDURES),
    _PROC.code("code", "手术操作编码", "Code of the procedure, as system|code"),
    _PROC.fact("level", Type.NUMBER, "手术级别", "Grade of the procedure, 1 to 4", _level,
               unit="1", counts=True),
    _PROC.word("incision", "切口类别", "Class of the incision", INCISIONS),
    _PROC.flag("is_planned", "是否择期", "Whether it was planned beforehand", "planned"),
    _PROC.flag("is_unplanned_return", "是否非计划再次手术",
               "Whether the patient came back to the theatre without a plan",
               "unplanned_return"),
    _PROC.text("returns_to", "所返手术的编号", "Act id of the procedure that it repairs"),
    _PROC.text("order_id", "医嘱编号", "Act id of its order"),
    _PROC.time("planned_at", "计划时间", "When it is planned to begin"),
    _PROC.time("started_at", "开始时间", "When it began"),
    _PROC.time("incision_at", "切皮时间", "When the incision was made"),
    _PROC.time("ended_at", "结束时间", "When it ended"),
    _PROC.lasted("duration", "手术时长", "From its beginning to its end", "started_at", "ended_at"),
    _PROC.period("手术期间", "From its beginning to its end", "started_at", "ended_at"),
    _PROC.listed("actors", "参与人员编号",
                 "Ids of who takes part; with their roles: the list `actors`",
                 lambda actor: actor.id),
    _PROC.listed("devices", "所用器械的唯一标识",
                 "Unique device identifications of what was used", str),
    _CON.word("kind", "会诊类别", "Kind of the consultation", CONSULTATIONS),
    _CON.word("urgency", "会诊缓急", "Routine or urgent", URGENCIES),
    _CON.text("about", "会诊所涉行为的编号", "Act id of the order or procedure that it is about"),
    _CON.text("of_department", "受邀科室", "The department that is asked"),
    _CON.time("requested_at", "申请时间", "When it was asked for"),
    _CON.time("arrived_at", "到达时间", "When the consultant arrived"),
    _CON.time("answered_at", "完成时间", "When it was answered"),
    _CON.lasted("request_to_arrival", "申请至到达时间", "From the request to the arrival",
                "requested_at", "arrived_at"),
    _CON.lasted("request_to_answer", "申请至完成时间", "From the request to the answer",
                "requested_at", "answered_at"),
    _CARD.code("disease", "报告病种编码", "Code of the reported disease, as system|code"),
    _CARD.word("case_class", "病例分类", "Class of the case", CASES),
    _CARD.text("condition", "所报告诊断的编号", "Act id of the condition or result it reports"),
    _CARD.time("onset_at", "发病时间", "When the disease began"),
    _CARD.time("diagnosed_at", "诊断时间", "When it was diagnosed"),
    _CARD.time("reported_at", "报告时间", "When it was reported"),
    _CARD.lasted("delay", "诊断至报告时间", "From the diagnosis to the report",
                 "diagnosed_at", "reported_at"),
    _ACK.word("kind", "确认类别", "Received or handled", ACKNOWLEDGED),
    _ACK.text("about", "所确认结果的编号", "Act id of the result"),
    _ACK.text("line_id", "所确认结果的明细号", "Line id of the result"),
    _ACK.text("alert_id", "所确认告警的编号", "Id of the alert"),
    _ACK.time("acknowledged_at", "确认时间", "When it was acknowledged"),
)  # fmt: skip

"""The words of closed vocabularies in Chinese, as messages, explanations and pages show them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from rules.facts.base import Fact, Value

CHINESE: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({
    "": {
        # kinds of visits, phases, sexes, levels of institutions
        "outpatient": "门诊", "emergency": "急诊", "inpatient": "住院", "internet": "互联网诊疗",
        "pre": "事前", "during": "事中", "post": "事后",
        "female": "女", "male": "男", "other": "其他",
        "tertiary": "三级", "secondary": "二级", "primary": "一级",
        # drugs and charges
        "western": "西药", "patent": "中成药", "herbal": "中药饮片",
        "injection": "注射剂", "controlled_release": "缓控释制剂",
        "narcotic": "麻醉药品", "psychotropic_1": "第一类精神药品",
        "psychotropic_2": "第二类精神药品",
        "unrestricted": "非限制使用级", "restricted": "限制使用级", "special": "特殊使用级",
        "drug": "药品", "consumable": "耗材", "service": "医疗服务",
        "negative": "阴性", "positive": "阳性", "exempt": "免试",
        # routes
        "oral": "口服", "sublingual": "舌下给药", "buccal": "颊黏膜给药",
        "intravenous": "静脉给药", "intramuscular": "肌内注射", "subcutaneous": "皮下注射",
        "intradermal": "皮内注射", "intrathecal": "鞘内注射", "epidural": "硬膜外给药",
        "intraarticular": "关节腔内注射", "inhalation": "吸入", "nasal": "鼻腔给药",
        "ophthalmic": "眼部给药", "otic": "耳部给药", "topical": "局部外用",
        "transdermal": "经皮给药", "rectal": "直肠给药", "vaginal": "阴道给药",
        # pairs
        "interaction": "相互作用", "incompatibility": "配伍禁忌", "exclusive_charge": "互斥收费",
        "contraindicated": "禁忌", "major": "严重", "moderate": "中等", "minor": "轻微",
        # families of events
        "patient": "患者", "allergy": "过敏", "condition": "疾病", "observation": "观察",
        "encounter": "就诊", "prescription": "处方", "order": "医嘱", "result": "检查检验结果",
        "billing": "收费单",
        # what happened to the act
        "draft": "草稿", "signed": "签署", "amended": "修改", "executed": "执行",
        "dispensed": "发药", "stopped": "停止", "returned": "退回", "cancelled": "作废",
        "entered_in_error": "误录", "charged": "计费", "refunded": "退费", "reported": "报告",
        "registered": "登记", "updated": "更新", "linked": "关联", "merged": "合并",
        "unlinked": "解除关联", "recorded": "记录", "resolved": "解除", "started": "开始",
        "admitted": "入院", "transferred": "转科", "discharged": "出院", "ended": "结束",
        "requested": "申请", "arrived": "到达", "answered": "答复", "administered": "给药",
        "not_given": "未给药", "settled": "结算", "moved": "出入库", "received": "收到",
        "refuted": "订正排除", "acknowledged": "确认",
        # more families
        "document": "病历文书", "procedure": "手术操作", "consultation": "会诊",
        "administration": "给药记录", "dispense": "发药记录", "settlement": "结算清单",
        "stock": "库存变动", "upload": "数据上传", "infection_report": "传染病报告卡",
        "acknowledgement": "确认记录", "feedback": "反馈",
        # documents and who signs them
        "admission_note": "入院记录", "first_progress_note": "首次病程记录",
        "progress_note": "病程记录", "ward_round": "查房记录", "stage_summary": "阶段小结",
        "handover": "交接班记录", "transfer_note": "转科记录", "consultation_note": "会诊记录",
        "multidisciplinary_note": "多学科讨论记录", "rescue_record": "抢救记录",
        "preoperative_discussion": "术前讨论", "safety_checklist": "手术安全核查表",
        "operation_record": "手术记录", "postoperative_note": "术后首次病程记录",
        "anaesthesia_record": "麻醉记录", "transfusion_record": "输血记录",
        "critical_value_note": "危急值处置记录", "antimicrobial_review": "抗菌药物复评记录",
        "vte_assessment": "静脉血栓栓塞症评估", "nursing_record": "护理记录",
        "informed_consent": "知情同意书", "front_page": "病案首页", "discharge_record": "出院记录",
        "death_record": "死亡记录", "death_discussion": "死亡病例讨论记录",
        "resident": "住院医师", "attending": "主治医师", "chief": "主任医师",
        # procedures and consultations
        "surgery": "手术", "anaesthesia": "麻醉", "intervention": "介入治疗",
        "endoscopy": "内镜诊疗",
        "0": "0类切口", "I": "Ⅰ类切口", "II": "Ⅱ类切口", "III": "Ⅲ类切口",
        "department": "科间会诊", "hospital": "全院会诊", "multidisciplinary": "多学科会诊",
        "antimicrobial": "抗菌药物会诊", "remote": "远程会诊", "routine": "普通", "urgent": "紧急",
        # infectious diseases, acknowledgements, stock, settlements
        "suspected": "疑似病例", "clinical": "临床诊断病例", "confirmed": "确诊病例",
        "carrier": "病原携带者", "handled": "已处置", "in": "入库", "out": "出库",
        "adjust": "调整", "count": "盘点", "home": "医嘱离院", "community": "转社区",
        "against_advice": "非医嘱离院", "died": "死亡",
        # feedback on alerts
        "accepted": "接受", "overridden": "坚持执行", "false_positive": "误报",
        "appeal_opened": "申诉立案", "appeal_first_review": "初审", "appeal_lodged": "提出申诉",
        "appeal_second_review": "复审", "appeal_closed": "申诉结束", "upheld": "维持",
        "withdrawn": "撤销", "partly_upheld": "部分维持",
    },
    "settlement.outcome": {"transferred": "医嘱转院"},
    "item.drug.form": {"other": "其他剂型"},
    "item.drug.control": {"none": "非麻醉、精神药品"},
    "item.drug.antimicrobial_grade": {"none": "非抗菌药物"},
    "pair.context": {
        "prescription": "同一单据", "bag": "同一袋", "day": "同一天", "validity": "用药期间",
    },
})  # fmt: skip
"""Word to its Chinese: under "" wherever it stands, under a fact's name for that fact alone."""

_YES_NO: Final = {True: "是", False: "否"}


def chinese_words(fact: Fact) -> Mapping[str, str]:
    """Each word of the fact's closed vocabulary in Chinese; empty for an open one.

    A word of two, `prescription.signed`, is put together of both. One without Chinese is left out.
    """
    return _chinese(fact.name, fact.words)


@cache
def _chinese(name: str, vocabulary: tuple[str, ...]) -> Mapping[str, str]:
    own, common = CHINESE.get(name, {}), CHINESE[""]
    found: dict[str, str] = {}
    for word in vocabulary:
        parts = [own.get(part) or common.get(part, "") for part in word.split(".")]
        if all(parts):
            found[word] = " ".join(parts)
    return MappingProxyType(found)


def in_chinese(value: Value, words: Mapping[str, str]) -> Any:
    """A value with its words in Chinese, in the same shape; what is no such word stays."""
    if type(value) is str:
        return words.get(value, value)
    if type(value) is tuple:
        return tuple([words.get(word, word) for word in value])
    if type(value) is dict and "partial" in value:
        return {"partial": in_chinese(value["partial"], words)}
    return value


def chinese_of(fact: Fact, value: Value) -> str:
    """What a value means in Chinese; "" for what is no word of a closed vocabulary, nor a flag."""
    if type(value) is bool:
        return _YES_NO[value]
    if type(value) is dict:
        value = value.get("partial", ())
    words = chinese_words(fact)
    listed = value if type(value) is tuple else (value,)
    return "、".join(words[word] for word in listed if type(word) is str and word in words)

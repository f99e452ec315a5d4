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
    },
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

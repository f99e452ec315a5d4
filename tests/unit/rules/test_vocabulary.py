"""Closed vocabularies have Chinese words, and Chinese messages show them."""

from __future__ import annotations

from typing import Any

import pytest

from rules import Evaluator
from rules.authoring.shorthand import event_of
from rules.docs.conditions import conditions_in_words
from rules.facts import CATALOGUE, fact_of
from rules.facts.vocabulary import CHINESE, chinese_of, chinese_words
from rules.pack import Pack
from spec.rules.world import knowledge, make_rule

BASE = knowledge()
CLOSED = [fact for fact in CATALOGUE.values() if fact.words]
FINDING: dict[str, Any] = {
    "result": "violation", "severity": "warning", "action": "block", "audience": ["prescriber"],
}  # fmt: skip


@pytest.mark.parametrize("fact", CLOSED, ids=[fact.name for fact in CLOSED])
def test_every_word_of_a_closed_vocabulary_has_a_chinese_word_of_its_own(fact: Any) -> None:
    chinese = chinese_words(fact)
    assert [*chinese] == [*fact.words], "add the word to rules.facts.vocabulary.CHINESE"
    assert len(set(chinese.values())) == len(chinese)
    assert not any(word.isascii() for word in chinese.values())


def test_no_chinese_word_is_kept_that_no_fact_uses() -> None:
    used = {part for fact in CLOSED for word in fact.words for part in word.split(".")}
    assert set(CHINESE[""]) <= used
    for name, words in CHINESE.items():
        if name:
            assert set(words) <= set(CATALOGUE[name].words)


def told(message: str, short: dict[str, Any], **parts: Any) -> tuple[str, str]:
    """What a rule says in Chinese and in English."""
    finding = {**FINDING, "message": {"zh": message, "en": message}}
    on = [short["event"]]
    rule = make_rule(BASE, on=on, finding=finding, **parts)
    (found,) = Evaluator(Pack.of([rule]), BASE).decide(event_of(short, BASE)).findings
    return found.message.zh, found.message.en


EVENT: dict[str, Any] = {
    "event": "prescription.signed",
    "encounter": {"kind": "outpatient", "is_rescue": False},
    "patient": {"sex": "female"},
    "practitioner": "P1",
    "items": [{"drug": "D1", "route": "oral", "skin_test": "positive"}],
}


@pytest.mark.parametrize(
    ("fact", "zh", "en"),
    [
        ("patient.sex", "女", "female"),
        ("encounter.kind", "门诊", "outpatient"),
        ("encounter.is_rescue", "否", "no"),
        ("institution.level", "三级", "tertiary"),
        ("event.phase", "事中", "during"),
        ("event.verb", "签署", "signed"),
        ("event.type", "处方 签署", "prescription.signed"),
        ("event.drug_kinds", "西药", "western"),
        ("practitioner.title", "attending", "attending"),
    ],
)
def test_a_word_of_a_closed_vocabulary_is_shown_in_the_language_of_the_message(
    fact: str, zh: str, en: str
) -> None:
    assert told(f"{{{fact}}}", EVENT) == (zh, en)


def test_one_word_may_mean_two_things() -> None:
    shown = "{item.drug.control} {item.skin_test} {item.route}"
    assert told(shown, EVENT, each="items") == ("非麻醉、精神药品 阳性 口服", "none positive oral")


def test_what_is_unknown_or_a_partial_list_is_shown_as_such() -> None:
    short = {**EVENT, "patient": "not_reported", "items": [{"drug": "D1"}, {"drug": "urn:x|1"}]}
    assert told("{patient.sex} {event.drug_kinds}", short) == ("未知 西药 …", "unknown western …")


def test_a_limit_that_is_a_word_is_shown_in_the_language_of_the_message() -> None:
    when = {"encounter.kind": {"is_not": {"parameter": "kind.special"}}}
    assert told("{threshold}", EVENT, when=when) == ("急诊", "emergency")
    assert told("{threshold:kind.special}", EVENT, when=when) == ("急诊", "emergency")


def test_the_words_of_a_condition_stand_in_chinese_beside_it() -> None:
    rule = make_rule(BASE, when={"encounter.kind": {"in": ["outpatient", "emergency"]}})
    assert conditions_in_words(rule.when)[0].endswith("(门诊、急诊)")
    rule = make_rule(BASE, when={"patient.pregnant": {"is": True}})
    assert not conditions_in_words(rule.when)[0].endswith(")")


def test_an_element_of_a_list_has_the_words_of_the_list() -> None:
    fact = fact_of("element.value", "event.drug_kinds")
    assert fact is not None
    assert chinese_of(fact, "herbal") == "中药饮片"
    assert chinese_of(CATALOGUE["event.drug_kinds"], {"partial": ("western",)}) == "西药"
    assert chinese_of(CATALOGUE["patient.pregnant"], True) == "是"
    assert chinese_of(CATALOGUE["patient.id"], "female") == ""

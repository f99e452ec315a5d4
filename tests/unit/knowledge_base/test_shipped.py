"""The knowledge that ships: it loads, it cites, and it says of the invented that it is invented."""

from __future__ import annotations

from datetime import date

import pytest

import knowledge_base
from knowledge_base import DATA, KnowledgeBase
from knowledge_base.strict_yaml import Problem, read

DRUG, ITEM = "urn:yijian:demo:drug", "urn:yijian:demo:item"
DAY = date(2026, 1, 15)


@pytest.fixture(scope="module")
def knowledge() -> KnowledgeBase:
    return knowledge_base.load(knowledge_base.default_paths())


def test_a_site_can_load_the_knowledge_without_the_demonstration() -> None:
    site = knowledge_base.load(knowledge_base.default_paths(demo=False))
    assert site.parameter("prescription.max_items") is not None
    assert site.drugs() == ()
    assert site.practitioners() == ()


def test_every_demonstration_file_says_that_it_is_invented() -> None:
    files = sorted((DATA / "demo").glob("*.yaml"))
    assert files
    problems: list[Problem] = []
    for path in files:
        root = read(path, problems)
        assert root is not None
        notice = root.get("notice")
        assert notice is not None
        assert "nvented" in notice.raw
        assert "虚构" in notice.raw
        assert "DEMONSTRATION" in path.read_text(encoding="utf-8").splitlines()[0]
    assert not problems


def test_every_value_names_a_known_source_and_a_place_in_it(knowledge: KnowledgeBase) -> None:
    for parameter in knowledge.parameters.values():
        for row in parameter.rows.values():
            for entry in row:
                assert knowledge.source(entry.value.source) is not None
                assert entry.value.locator
    for codeset in knowledge.codesets.values():
        for members in codeset.history:
            assert knowledge.source(members.value.basis.source) is not None


def test_every_source_is_cited_or_used_by_a_rule(knowledge: KnowledgeBase) -> None:
    text = "".join(
        path.read_text(encoding="utf-8")
        for folder in (DATA, DATA.parents[1] / "rules" / "packs")
        for path in folder.rglob("*.yaml")
        if path.name != "sources.yaml"
    )
    unused = [name for name in knowledge.sources if f"source: {name}" not in text]
    assert unused == []


def test_the_control_class_follows_the_announcement_of_2024(knowledge: KnowledgeBase) -> None:
    def control(code: str, day: date) -> str:
        drug = knowledge.drug(DRUG, code, day)
        assert drug is not None
        return drug.control

    before, after = date(2024, 6, 30), date(2024, 7, 1)
    assert (control("D057", before), control("D057", after)) == ("psychotropic_2", "psychotropic_1")
    assert (control("D063", before), control("D063", after)) == ("none", "psychotropic_2")


def test_the_catalogue_is_wide_enough_to_simulate_with(knowledge: KnowledgeBase) -> None:
    assert len(knowledge.institutions(DAY)) == 3
    assert {i.level for i in knowledge.institutions(DAY)} == {"tertiary", "secondary", "primary"}
    assert len(knowledge.drugs(DAY)) >= 60
    assert {d.kind for d in knowledge.drugs(DAY)} == {"western", "patent", "herbal"}
    assert len(knowledge.items(DAY)) >= 60
    people = knowledge.practitioners(DAY)
    assert len(people) >= 40
    assert any(not person.licensed for person in people)
    assert any(person.active_payment is False for person in people)


def test_each_charged_drug_has_its_drug_and_each_drug_a_charge(knowledge: KnowledgeBase) -> None:
    charged = {item.drug for item in knowledge.items(DAY) if item.category == "drug"}
    assert charged == {drug.key for drug in knowledge.drugs(DAY)}


def test_a_licence_that_ended_leaves_the_person_known_and_unlicensed(
    knowledge: KnowledgeBase,
) -> None:
    before = knowledge.practitioner("demo-h1", "P026", date(2019, 12, 31))
    after = knowledge.practitioner("demo-h1", "P026", date(2020, 1, 1))
    assert before is not None
    assert before.licensed
    assert after is not None
    assert not after.licensed
    assert knowledge.practitioner("demo-h1", "P999", DAY) is None
    assert knowledge.practitioner("demo-h2", "P026", DAY) is None


def test_grants_follow_the_post_of_the_day(knowledge: KnowledgeBase) -> None:
    resident = knowledge.practitioner("demo-h1", "P025", date(2022, 12, 31))
    attending = knowledge.practitioner("demo-h1", "P025", date(2023, 1, 1))
    assert resident is not None
    assert attending is not None
    assert "antimicrobial_restricted" not in resident.grants
    assert "antimicrobial_restricted" in attending.grants


def test_trace_codes_are_asked_for_since_the_day_of_the_notice(knowledge: KnowledgeBase) -> None:
    before = knowledge.item(ITEM, "C001", date(2025, 6, 30))
    after = knowledge.item(ITEM, "C001", date(2025, 7, 1))
    assert before is not None
    assert before.requires_trace_code is False
    assert after is not None
    assert after.requires_trace_code is True
    assert after.drug == f"{DRUG}|D001"
    pieces = knowledge.item(ITEM, "C069", DAY)
    assert pieces is not None
    assert pieces.requires_trace_code is False


def test_what_is_not_in_the_catalogue_is_none(knowledge: KnowledgeBase) -> None:
    assert knowledge.drug(DRUG, "D999", DAY) is None
    assert knowledge.drug("urn:other", "D001", DAY) is None
    assert knowledge.item(ITEM, "X", DAY) is None
    assert knowledge.institution("elsewhere", DAY) is None
    assert knowledge.analyte("http://loinc.org", "0-0") is None


def test_observation_codes_are_read_in_one_unit(knowledge: KnowledgeBase) -> None:
    potassium = knowledge.analyte("http://loinc.org", "2823-3")
    assert potassium is not None
    assert (potassium.id, potassium.unit, potassium.convert(4.2, "meq/L")) == (
        "potassium",
        "mmol/L",
        4.2,
    )

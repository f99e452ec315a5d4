"""Classes of codes: a set has the members of the sets that it includes, day by day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from knowledge_base import KnowledgeBase, KnowledgeError, load

HEAD = """
source: law
locator: article 1
from: 2000-01-01
sources:
  - {id: law, title: {zh: 法, en: law}, issuer: state, licence: public}
"""


def a_set(name: str, *intervals: str, of: str = "ingredient") -> str:
    listed = ", ".join(f"{{{interval}}}" for interval in intervals)
    return f"  - {{id: {name}, title: {{zh: 集, en: {name}}}, of: {of}, intervals: [{listed}]}}\n"


def knowledge(tmp_path: Path, *sets: str) -> KnowledgeBase:
    path = tmp_path / "sets.yaml"
    path.write_text(HEAD + "codesets:\n" + "".join(sets), encoding="utf-8")
    return load([path])


def problem_of(tmp_path: Path, *sets: str) -> str:
    with pytest.raises(KnowledgeError) as caught:
        knowledge(tmp_path, *sets)
    assert len(caught.value.problems) == 1, str(caught.value)
    return str(caught.value.problems[0])


def members(base: KnowledgeBase, name: str, day: date) -> set[str]:
    codeset = base.codeset(name)
    assert codeset is not None
    return set(codeset.at(day))


def test_a_class_has_its_members_and_those_of_its_subclasses_at_any_depth(tmp_path: Path) -> None:
    base = knowledge(
        tmp_path,
        a_set("beta_lactams", "includes: [penicillins, cephalosporins]"),
        a_set("penicillins", "members: [benzylpenicillin], includes: [aminopenicillins]"),
        a_set("aminopenicillins", "members: [amoxicillin]"),
        a_set("cephalosporins", "members: [cefixime]"),
    )
    day = date(2026, 1, 1)
    assert members(base, "beta_lactams", day) == {"benzylpenicillin", "amoxicillin", "cefixime"}
    assert members(base, "penicillins", day) == {"benzylpenicillin", "amoxicillin"}


def test_a_class_changes_on_the_days_on_which_its_subclasses_change(tmp_path: Path) -> None:
    base = knowledge(
        tmp_path,
        a_set("all", "members: [x], includes: [part]"),
        a_set("part", "members: [a], to: 2020-01-01", "members: [b], from: 2020-01-01"),
    )
    assert members(base, "all", date(2019, 12, 31)) == {"x", "a"}
    assert members(base, "all", date(2020, 1, 1)) == {"x", "b"}
    codeset = base.codeset("all")
    assert codeset is not None
    assert [entry.valid_from for entry in codeset.history] == [date(2000, 1, 1), date(2020, 1, 1)]
    assert codeset.history.entries[1].value.includes == ("part",)


def test_a_class_of_diagnoses_matches_by_the_lengths_of_its_subclasses(tmp_path: Path) -> None:
    base = knowledge(
        tmp_path,
        a_set("all", "members: [I10], includes: [part]", of="icd10"),
        a_set("part", "members: [Z34.0]", of="icd10"),
    )
    codeset = base.codeset("all")
    assert codeset is not None
    assert codeset.matches("Z34.0x01", date(2026, 1, 1))
    assert not codeset.matches("Z34.1", date(2026, 1, 1))


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        (
            [a_set("a", "includes: [b]"), a_set("b", "includes: [c]"), a_set("c", "includes: [a]")],
            "the sets include each other: a → b → c → a",
        ),
        ([a_set("a", "includes: [a]")], "the sets include each other: a → a"),
        ([a_set("abc", "members: [x]"), a_set("a", "includes: [abd]")], "did you mean `abc`?"),
        (
            [a_set("a", "includes: [b]"), a_set("b", "members: [I10]", of="icd10")],
            "holds codes of kind icd10",
        ),
        (
            [a_set("a", "includes: [b]"), a_set("b", "members: [x], from: 2010-01-01")],
            "`b` says nothing of 2000-01-01",
        ),
        (
            [
                a_set("a", "includes: [b]"),
                a_set("b", "members: [x], to: 2010-01-01", "members: [z], from: 2011-01-01"),
            ],
            "`b` says nothing of 2010-01-01",
        ),
        ([a_set("a", "members: [x], includes: [b, b]"), a_set("b", "members: [z]")], "already"),
        ([a_set("a", "from: 2001-01-01")], "`members` is missing"),
    ],
)
def test_a_class_that_cannot_be_resolved_is_refused(
    tmp_path: Path, sets: list[str], said: str
) -> None:
    problem = problem_of(tmp_path, *sets)
    assert said in problem
    assert "sets.yaml:" in problem


def test_the_digest_names_the_classes(tmp_path: Path) -> None:
    part = a_set("part", "members: [a]")
    flat = knowledge(tmp_path, part, a_set("all", "members: [a, x]"))
    nested = knowledge(tmp_path, part, a_set("all", "members: [x], includes: [part]"))
    again = knowledge(tmp_path, a_set("all", "members: [x], includes: [part]"), part)
    assert members(flat, "all", date(2026, 1, 1)) == members(nested, "all", date(2026, 1, 1))
    assert nested.digest == again.digest
    assert nested.digest != flat.digest

"""Coded reasons for not following an alert: how they are read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge_base import KnowledgeBase, KnowledgeError, default_paths, load

HEAD = """
source: list
locator: page 1
system: urn:site:reasons
sources:
  - {id: list, title: {zh: 清单, en: list}, issuer: site, licence: public}
override_reasons:
"""
NAME = "name: {zh: 理由, en: reason}"


def knowledge(folder: Path, *reasons: str) -> KnowledgeBase:
    path = folder / "reasons.yaml"
    path.write_text(HEAD + "".join(f"  - {one}\n" for one in reasons), encoding="utf-8")
    return load([path])


def refusal(folder: Path, *reasons: str) -> str:
    with pytest.raises(KnowledgeError) as caught:
        knowledge(folder, *reasons)
    return "\n".join(map(str, caught.value.problems))


def test_a_reason_is_known_by_its_system_and_code_with_its_words_and_source(tmp_path: Path) -> None:
    base = knowledge(tmp_path, f"{{code: a, {NAME}}}", f"{{code: b, group: a, {NAME}}}")
    assert list(base.override_reasons) == ["urn:site:reasons|a", "urn:site:reasons|b"]
    found = base.override_reasons["urn:site:reasons|b"]
    assert (found.group, found.name.zh, found.name.en) == ("a", "理由", "reason")
    assert (found.basis.source, found.basis.locator) == ("list", "page 1")


def test_another_list_of_reasons_is_other_knowledge(tmp_path: Path) -> None:
    one = knowledge(tmp_path, f"{{code: a, {NAME}}}")
    assert knowledge(tmp_path, f"{{code: b, {NAME}}}").digest != one.digest


@pytest.mark.parametrize(
    ("reasons", "message"),
    [
        ([f"{{code: a, {NAME}}}", f"{{code: a, {NAME}}}"], "is there already"),
        ([f"{{code: a, group: z, {NAME}}}"], "`z` is no group of reasons"),
        (
            [f"{{code: a, {NAME}}}", f"{{code: b, group: a, {NAME}}}",
             f"{{code: c, group: b, {NAME}}}"],
            "`b` is no group of reasons",
        ),
        ([f"{{code: a, source: none, {NAME}}}"], "no source `none`"),
        (["{code: a, name: {en: reason}}"], "zh"),
    ],
    ids=["twice", "an unknown group", "a group of a group", "no source", "one language"],
)  # fmt: skip
def test_it_is_refused(tmp_path: Path, reasons: list[str], message: str) -> None:
    assert message in refusal(tmp_path, *reasons)


def test_the_shipped_reasons_are_the_codes_of_hl7_and_a_list_of_our_own() -> None:
    base = load(default_paths(demo=False))
    hl7 = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
    systems = {reason.system for reason in base.override_reasons.values()}
    assert systems == {hl7, "urn:yijian:override-reason"}
    groups = {r.code for r in base.override_reasons.values() if r.system == hl7 and not r.group}
    assert groups == {
        "cds-not-applicable", "cds-suboptimal-context", "recipient-disagrees-evidence",
        "recipient-concerns-outcomes", "does-not-align-preferences", "not-convenient-feasible",
    }  # fmt: skip
    assert {base.sources[r.basis.source].licence for r in base.override_reasons.values()} == {
        "CC0-1.0", "Apache-2.0",
    }  # fmt: skip

"""Profiles of sources: what they promise to send, since when, and what is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from knowledge_base import KnowledgeBase, KnowledgeError, default_paths, load

HEAD = """
source: law
locator: article 1
from: 2000-01-01
sources:
  - {id: law, title: {zh: 约定, en: agreement}, issuer: site, licence: public}
source_profiles:
"""
SENDER = "urn:site:his"
DAY = date(2026, 1, 1)
NOTHING: frozenset[str] = frozenset()


def knowledge(folder: Path, *profiles: str) -> KnowledgeBase:
    path = folder / "profiles.yaml"
    path.write_text(HEAD + "".join(f"  - {profile}\n" for profile in profiles), encoding="utf-8")
    return load([path])


def profile(*intervals: str, sender: str = SENDER) -> str:
    return f"{{sender: {sender}, title: {{zh: 源, en: s}}, intervals: [{', '.join(intervals)}]}}"


def test_a_promise_is_for_one_source_one_family_and_its_days(tmp_path: Path) -> None:
    base = knowledge(
        tmp_path,
        profile(
            "{to: 2026-01-02, promises: {prescription: [item.skin_test, event.note]}}",
            "{from: 2026-01-02, promises: {order: [item.skin_test]}}",
        ),
    )
    both = frozenset({"item.skin_test", "event.note"})
    assert base.promised(SENDER, "prescription", DAY) == both
    assert base.promised(SENDER, "order", DAY) == NOTHING
    assert base.promised(SENDER, "prescription", date(2026, 1, 2)) == NOTHING
    assert base.promised(SENDER, "order", date(2026, 1, 2)) == {"item.skin_test"}
    assert base.promised(SENDER, "prescription", date(1999, 12, 31)) == NOTHING
    assert base.promised("urn:site:other", "prescription", DAY) == NOTHING


def test_a_promise_names_its_source_and_place(tmp_path: Path) -> None:
    promises = knowledge(tmp_path, profile("{promises: {order: [event.note]}}")).promises(
        SENDER, DAY
    )
    assert promises is not None
    assert (promises.basis.source, promises.basis.locator) == ("law", "article 1")


def test_what_is_promised_changes_the_digest(tmp_path: Path) -> None:
    one = knowledge(tmp_path, profile("{promises: {order: [event.note]}}"))
    same = knowledge(tmp_path, profile("{promises: {order: [event.note]}, locator: article 1}"))
    other = knowledge(tmp_path, profile("{promises: {order: [item.skin_test]}}"))
    assert one.digest == same.digest != other.digest


@pytest.mark.parametrize(
    ("profiles", "said"),
    [
        ((profile("{promises: {}}"),), "promises nothing"),
        ((profile("{to: 2026-01-01}"),), "`promises` is missing"),
        ((profile("{promises: {prescripton: [event.note]}}"),), "did you mean `prescription`"),
        ((profile("{promises: {order: [event.note, event.note]}}"),), "is promised twice"),
        ((profile("{promises: {order: []}}"),), "is empty"),
        ((profile("{promises: {order: [event.note]}}"),) * 2, "has a profile already"),
        ((profile(*["{promises: {order: [event.note]}}"] * 2),), "overlaps"),
        ((profile("{promises: {order: [event.note]}, source: rumour}"),), "no source `rumour`"),
        ((profile("{promises: {order: [event.note]}}").replace("sender: urn:site:his, ", ""),),
         "`sender` is missing"),
    ],
)  # fmt: skip
def test_what_promises_nothing_or_is_unclear_is_refused(
    tmp_path: Path, profiles: tuple[str, ...], said: str
) -> None:
    with pytest.raises(KnowledgeError) as told:
        knowledge(tmp_path, *profiles)
    assert said in str(told.value)


def test_the_shipped_profile_is_of_the_demonstration_only() -> None:
    assert load(default_paths()).profiles
    assert not load(default_paths(demo=False)).profiles


def test_a_source_states_since_when_it_is_complete(tmp_path: Path) -> None:
    base = knowledge(
        tmp_path,
        profile(
            "{to: 2026-02-01, complete_from: {order: 2026-01-01}}",
            "{from: 2026-02-01, promises: {order: [event.note]}, "
            "complete_from: {order: 2025-12-01}}",
        ),
    )
    assert base.complete_from("order", DAY) == {SENDER: date(2026, 1, 1)}
    assert base.complete_from("order", date(2026, 2, 1)) == {SENDER: date(2025, 12, 1)}
    assert base.complete_from("prescription", DAY) == {}
    assert base.promised(SENDER, "order", DAY) == NOTHING


@pytest.mark.parametrize(
    ("interval", "says"),
    [
        ("{complete_from: {}}", "states nothing"),
        ("{complete_from: {order: soon}}", "`order` is not a date"),
        ("{complete_from: {orders: 2026-01-01}}", "orders"),
        ("{from: 2026-01-01}", "`promises` is missing"),
    ],
)
def test_a_statement_of_completeness_that_says_nothing_is_refused(
    tmp_path: Path, interval: str, says: str
) -> None:
    with pytest.raises(KnowledgeError) as refused:
        knowledge(tmp_path, profile(interval))
    assert any(says in str(problem) for problem in refused.value.problems)

"""No rule changes without a new version."""

from __future__ import annotations

from pathlib import Path

import knowledge_base
from rules import PACKS, load_pack
from rules.authoring import lock
from rules.reading import check_ids
from spec.rules.world import knowledge, rule_text

BASE = knowledge()


def pack_of(folder: Path, **parts: object) -> list[Path]:
    (folder / "spec").mkdir(exist_ok=True)
    (folder / "spec" / "rule.yaml").write_text(rule_text(**parts), encoding="utf-8")
    return [folder]


def said(folder: Path, **parts: object) -> list[str]:
    pack = load_pack(pack_of(folder, **parts), BASE)
    return [f"{p.message}; {p.fix}" for p in lock.problems(pack, folder / lock.NAME)]


def locked(folder: Path, **parts: object) -> list[str]:
    pack = load_pack(pack_of(folder, **parts), BASE)
    return [p.message for p in lock.write(pack, folder / lock.NAME)]


def test_a_locked_rule_has_no_problem_and_writing_again_changes_nothing(tmp_path: Path) -> None:
    assert locked(tmp_path) == []
    assert said(tmp_path) == []
    before = (tmp_path / lock.NAME).read_bytes()
    assert locked(tmp_path) == []
    assert (tmp_path / lock.NAME).read_bytes() == before


def test_a_changed_rule_needs_a_new_version_and_the_lock_refuses_it_before(tmp_path: Path) -> None:
    locked(tmp_path)
    changed = {"when": {"event.item_count": {"above": 1}}}
    assert said(tmp_path, **changed) == [
        "the content of version 1 changed; raise the version to 2, then run `yijian rules lock`"
    ]
    assert locked(tmp_path, **changed) == ["the content of version 1 changed"]
    assert said(tmp_path, **changed, version=2) == [
        "version 2 is not locked yet; run `yijian rules lock`"
    ]
    assert locked(tmp_path, **changed, version=2) == []
    assert said(tmp_path, **changed, version=2) == []


def test_a_version_does_not_go_back(tmp_path: Path) -> None:
    locked(tmp_path, version=2)
    assert said(tmp_path, version=1) == ["the version 1 is below the locked 2; raise it to 3"]


def test_status_and_review_are_no_content(tmp_path: Path) -> None:
    locked(tmp_path)
    reviewed = {
        "status": "active", "authored_by": "A", "checked_by": "B", "reviewed_on": "2026-01-01",
        "next_review": "2027-01-01",
    }  # fmt: skip
    assert said(tmp_path, **reviewed) == []


def test_layout_comments_and_the_order_of_keys_are_no_content(tmp_path: Path) -> None:
    locked(tmp_path)
    path = tmp_path / "spec" / "rule.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"# a comment\n{text}\n\n", encoding="utf-8")
    pack = load_pack([tmp_path], BASE)
    assert lock.problems(pack, tmp_path / lock.NAME) == []


def test_a_rule_that_is_gone_is_told(tmp_path: Path) -> None:
    locked(tmp_path)
    path = tmp_path / "spec" / "rule.yaml"
    path.rename(path.with_name("other.yaml"))
    path.with_name("other.yaml").write_text(rule_text(id="spec.other"), encoding="utf-8")
    pack = load_pack([tmp_path], BASE)
    problems = lock.problems(pack, tmp_path / lock.NAME)
    assert [p.message for p in problems] == [
        "the rule spec.other is not locked", "the locked rule spec.rule is gone"
    ]  # fmt: skip
    assert all(p.check == check_ids.LOCK for p in problems)


def test_a_damaged_lock_is_told_with_its_line(tmp_path: Path) -> None:
    pack = load_pack(pack_of(tmp_path), BASE)
    path = tmp_path / lock.NAME
    path.write_text("rules:\n  - {id: spec.rule, version: 1}\n", encoding="utf-8")
    first = lock.problems(pack, path)[0]
    assert (first.line, first.message) == (2, "an entry has no `digest`")


def test_the_lock_of_a_file_or_folder_is_found_above_it(tmp_path: Path) -> None:
    locked(tmp_path)
    path = tmp_path / "spec" / "rule.yaml"
    for place in (path, path.parent, tmp_path):
        assert lock.path_for([place]) == (tmp_path / lock.NAME).resolve()


def test_the_shipped_rules_are_locked() -> None:
    base = knowledge_base.load(knowledge_base.default_paths())
    problems = lock.problems(load_pack([PACKS], base), PACKS / lock.NAME)
    assert problems == [], "\n".join(map(str, problems))

"""The files of a new rule work as they are written."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import knowledge_base
from rules.authoring.workbench import check, scaffold
from rules.authoring.workbench import test as run_workbench
from spec.rules.world import knowledge

SHIPPED = knowledge_base.load(knowledge_base.default_paths())
TODAY = date(2026, 3, 2)


def test_a_new_rule_passes_every_check_and_test_as_it_is(tmp_path: Path) -> None:
    made = scaffold("house.long_course", tmp_path, SHIPPED, TODAY)
    assert all(path.is_file() for path in made.files)
    more = knowledge_base.load([*knowledge_base.default_paths(), tmp_path / "knowledge"])
    tested = run_workbench([tmp_path / "rules"], more)
    assert tested.ok, str(tested.report)
    assert all(not condition.never for condition in tested.conditions)
    problems = check([tmp_path / "rules"], more, today=TODAY)
    assert not problems, "\n".join(map(str, problems))


def test_two_new_rules_do_not_collide(tmp_path: Path) -> None:
    for name in ("house.one", "house.two"):
        scaffold(name, tmp_path, SHIPPED, TODAY)
    more = knowledge_base.load([*knowledge_base.default_paths(), tmp_path / "knowledge"])
    assert len(run_workbench([tmp_path / "rules"], more).results) == 20


def test_files_that_are_there_are_never_overwritten(tmp_path: Path) -> None:
    made = scaffold("house.one", tmp_path, SHIPPED, TODAY)
    made.files[0].unlink()
    with pytest.raises(FileExistsError):
        scaffold("house.one", tmp_path, SHIPPED, TODAY)
    assert not made.files[0].exists()


@pytest.mark.parametrize("name", ["house", "House.x", "a.b.c", "a.b-c", "../a.b"])
def test_what_is_no_id_gets_no_files(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no id of a rule"):
        scaffold(name, tmp_path, SHIPPED, TODAY)
    assert not list(tmp_path.iterdir())


def test_another_catalogue_gives_a_test_about_its_own_drugs(tmp_path: Path) -> None:
    made = scaffold("house.one", tmp_path, knowledge(), TODAY)
    text = made.files[1].read_text("utf-8")
    assert "drug: amoxicillin" in text or "drug: levofloxacin" in text

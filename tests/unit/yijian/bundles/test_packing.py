"""The same files make the same bundle, wherever they lie."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from contracts import bundle as format
from support import bundle_files
from yijian.bundles import packing
from yijian.bundles.errors import PackingFault
from yijian.bundles.loading import open_bundle
from yijian.bundles.packing import gather


def laid_out(folder: Path) -> tuple[Path, Path]:
    for path, text in bundle_files.files().items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return folder / "rules", folder / "knowledge"


def test_equal_content_has_an_equal_digest_wherever_it_lies(tmp_path: Path) -> None:
    rules, knowledge = laid_out(tmp_path / "a")
    moved = tmp_path / "b" / "deeper" / "packs"
    shutil.copytree(rules, moved)
    renamed = tmp_path / "c" / "other-name"
    shutil.copytree(knowledge, renamed)
    here = gather([rules], [knowledge])
    assert here == bundle_files.files()
    for others in (
        gather([moved], [renamed]),
        gather([moved / "house"], [renamed]),
        gather([moved / "house" / "minor.yaml"], sorted(renamed.iterdir())),
    ):
        assert format.digest_of(others) == format.digest_of(here)


def test_a_relative_path_is_called_as_its_folder_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules, knowledge = laid_out(tmp_path)
    monkeypatch.chdir(rules / "house")
    assert gather([Path("minor.yaml")], [knowledge]) == bundle_files.files()
    assert gather([Path()], [knowledge]) == bundle_files.files()


def test_tests_of_rules_come_along(tmp_path: Path) -> None:
    rules, _ = laid_out(tmp_path)
    (rules / "house" / "minor.test.yaml").write_text("rule: house.minor\n")
    assert "rules/house/minor.test.yaml" in gather([rules], [])


def test_two_files_with_one_place_in_the_knowledge_are_both_kept(tmp_path: Path) -> None:
    rules, knowledge = laid_out(tmp_path)
    site = tmp_path / "site"
    site.mkdir()
    (site / "parameters.yaml").write_text("parameters: []\n")
    one, two = gather([rules], [knowledge, site]), gather([rules], [site, knowledge])
    assert one == two
    assert len(one) == len(bundle_files.files()) + 1
    assert gather([rules], [knowledge, knowledge]) == bundle_files.files()


def test_two_rules_with_one_id_are_refused(tmp_path: Path) -> None:
    rules, _ = laid_out(tmp_path / "a")
    again, _ = laid_out(tmp_path / "b")
    assert gather([rules, again], []) == gather([rules], [])
    (again / "house" / "minor.yaml").write_text("other: 1\n")
    with pytest.raises(PackingFault, match="keep one of them"):
        gather([rules, again], [])


def test_what_cannot_be_packed_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.yaml").write_bytes(b"\xff\xfe")
    for paths, words in (
        ([tmp_path / "none"], "no such file"),
        ([tmp_path / "empty"], "no rules"),
        ([tmp_path / "bad"], "not UTF-8"),
    ):
        with pytest.raises(PackingFault, match=words):
            gather(paths, [])


def test_too_large_a_bundle_is_refused_with_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MAX_BUNDLE_BYTES", 500)
    with pytest.raises(PackingFault, match="at most 500"):
        bundle_files.bundle(bundle_files.files(), None)


def test_an_unsigned_bundle_can_be_signed_later_and_stays_the_same(tmp_path: Path) -> None:
    signer = bundle_files.signer(tmp_path)
    bare = bundle_files.bundle(bundle_files.files(), None)
    signed = packing.signed_now(bare, signer)
    assert signed == bundle_files.bundle(bundle_files.files(), signer)
    opened = open_bundle(signed, signer.as_trusted())
    assert not isinstance(opened, format.Refusal)
    assert opened.files == bundle_files.files()
    assert opened.key == signer.key_id

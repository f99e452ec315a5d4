"""Whatever is wrong with a bundle is a refusal that says so; a good one decides."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

import yijian.bundles.loading as loading
from contracts.bundle import MANIFEST_TYPE, Bundle, Manifest, Refusal, Why, digest_of
from contracts.decision import encode_record
from rules.bundle import LANGUAGE
from support import bundle_files
from yijian import settings
from yijian.bundles import packing
from yijian.bundles.errors import PackingFault, RefusedBundle
from yijian.bundles.loading import Loaded, load, open_bundle
from yijian.bundles.signing import Signer

SITE = settings.load({})
FILES = bundle_files.files()


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return bundle_files.signer(tmp_path)


def why(found: object) -> Why:
    assert isinstance(found, Refusal), found
    assert found.detail
    return found.why


def test_a_bundle_decides_and_its_decisions_name_it(signer: Signer) -> None:
    loaded = load(bundle_files.bundle(FILES, signer), SITE, signer.as_trusted())
    assert isinstance(loaded, Loaded)
    assert loaded.core.evaluator.basis.bundle == digest_of(FILES)
    assert [rule.id for rule in loaded.core.pack.rules] == ["house.minor"]
    loading.warm_up(loaded.core, date(2026, 3, 1))


def test_a_changed_parameter_is_another_bundle_and_other_knowledge(signer: Signer) -> None:
    one, two = (
        load(bundle_files.bundle(bundle_files.files(limit), signer), SITE, signer.as_trusted())
        for limit in (18, 21)
    )
    assert isinstance(one, Loaded)
    assert isinstance(two, Loaded)
    assert one.manifest.digest != two.manifest.digest
    assert one.core.knowledge.digest != two.core.knowledge.digest
    assert one.core.pack.digest == two.core.pack.digest


def test_a_change_of_any_byte_is_refused_or_changes_nothing(signer: Signer) -> None:
    raw = bundle_files.bundle(FILES, signer)
    trusted = signer.as_trusted()
    good = open_bundle(raw, trusted)
    refused = 0
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1
        found = open_bundle(bytes(changed), trusted)
        # The last digit of base64 has bits that mean nothing.
        assert isinstance(found, Refusal) or found == good, place
        refused += isinstance(found, Refusal)
    assert refused > len(raw) * 0.98


def _envelope(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    def changed(raw: bytes) -> bytes:
        record = json.loads(raw)
        change(record)
        return json.dumps(record).encode()

    return changed


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _other_content(record: dict[str, Any]) -> None:
    record["content"] = _b64(zlib.compress(b'[["rules/a/b.yaml","x"]]'))


def _other_manifest(record: dict[str, Any]) -> None:
    manifest = json.loads(base64.b64decode(record["manifest"]["payload"]))
    manifest["author"] = "somebody else"
    record["manifest"]["payload"] = _b64(json.dumps(manifest).encode())


def _no_signature(record: dict[str, Any]) -> None:
    record["manifest"] |= {"key": "", "signature": ""}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_envelope(_other_content), Why.DIGEST_MISMATCH),
        (_envelope(_other_manifest), Why.BAD_SIGNATURE),
        (_envelope(_no_signature), Why.UNSIGNED),
        (_envelope(lambda r: r["manifest"].update(key="0" * 16)), Why.UNKNOWN_KEY),
        (_envelope(lambda r: r["manifest"].update(signature=_b64(b"0" * 64))), Why.BAD_SIGNATURE),
        (_envelope(lambda r: r.update(content=_b64(b"no zlib"))), Why.BAD_CONTENT),
        (_envelope(lambda r: r.update(schema=9)), Why.UNSUPPORTED_SCHEMA),
        (lambda raw: raw[:-20], Why.NOT_A_BUNDLE),
        (lambda raw: b"\xff" + raw, Why.NOT_A_BUNDLE),
        (lambda raw: b"", Why.NOT_A_BUNDLE),
    ],
)
def test_tampering_is_refused_with_its_reason(
    signer: Signer, change: Callable[[bytes], bytes], expected: Why
) -> None:
    raw = change(bundle_files.bundle(FILES, signer))
    assert why(load(raw, SITE, signer.as_trusted())) is expected


def test_a_harmless_rewriting_of_the_envelope_changes_nothing(signer: Signer) -> None:
    raw = _envelope(lambda r: r.update(from_the_future=1))(bundle_files.bundle(FILES, signer))
    assert isinstance(load(raw, SITE, signer.as_trusted()), Loaded)


def test_another_key_is_refused(signer: Signer, tmp_path: Path) -> None:
    other = bundle_files.signer(tmp_path / "other")
    raw = bundle_files.bundle(FILES, other)
    found = load(raw, SITE, signer.as_trusted())
    assert why(found) is Why.UNKNOWN_KEY
    assert signer.key_id in str(found)


def test_faults_of_rules_and_knowledge_are_named_with_their_place(signer: Signer) -> None:
    trusted = signer.as_trusted()
    for path, text, expected in (
        ("rules/house/minor.yaml", bundle_files.RULE.replace("below", "belwo"), Why.RULES),
        ("rules/house/minor.yaml", "\tnot yaml", Why.RULES),
        ("knowledge/parameters.yaml", "parameters: 3", Why.KNOWLEDGE),
        ("knowledge/sources.yaml", "sources: []", Why.KNOWLEDGE),
    ):
        found = load(bundle_files.bundle({**FILES, path: text}, signer), SITE, trusted)
        assert why(found) is expected
        assert "house/minor.yaml:" in str(found) or "knowledge/" in str(found)
        assert "yijian-bundle-" not in str(found)  # no folder of this machine
    no_rules = {path: text for path, text in FILES.items() if path.startswith("knowledge/")}
    assert why(load(bundle_files.bundle(no_rules, signer), SITE, trusted)) is Why.RULES


def _signed_manifest(signer: Signer, **changes: Any) -> bytes:
    content = packing.compress(FILES)
    assert isinstance(content, bytes)
    manifest = Manifest(
        digest=digest_of(FILES),
        created_at=bundle_files.AT,
        author="a",
        language=LANGUAGE,
        files=len(FILES),
    )
    payload = encode_record(msgspec.structs.replace(manifest, **changes))
    return encode_record(Bundle(manifest=signer.sign(MANIFEST_TYPE, payload), content=content))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"language": LANGUAGE + 1}, Why.LANGUAGE),
        ({"profiles": ("demo",)}, Why.PROFILE),
        ({"digest": "0" * 64}, Why.DIGEST_MISMATCH),
        ({"files": 2}, Why.DIGEST_MISMATCH),
        ({"schema": 2}, Why.UNSUPPORTED_SCHEMA),
    ],
)
def test_a_signed_bundle_that_does_not_fit_is_refused(
    signer: Signer, changes: dict[str, Any], expected: Why
) -> None:
    assert why(load(_signed_manifest(signer, **changes), SITE, signer.as_trusted())) is expected


def test_a_bundle_for_a_profile_is_taken_there(signer: Signer) -> None:
    raw = bundle_files.bundle(FILES, signer, profiles=("demo",))
    demo = settings.load({"YIJIAN_PROFILE": "demo"})
    assert isinstance(load(raw, demo, signer.as_trusted()), Loaded)


def test_a_bug_while_loading_is_a_refusal_and_a_full_disk_is_not(
    signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = bundle_files.bundle(FILES, signer)

    def bug(*_: object) -> None:
        raise ValueError("patient 4711")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("yijian.bundles.loading.rules.load_pack", bug)
    found = load(raw, SITE, signer.as_trusted())
    assert why(found) is Why.FAILED
    assert "4711" not in str(found)
    monkeypatch.setattr("yijian.bundles.loading.rules.load_pack", full)
    with pytest.raises(OSError, match="No space"):
        load(raw, SITE, signer.as_trusted())


def test_an_engine_that_is_not_there_is_a_refusal(signer: Signer) -> None:
    raw = bundle_files.bundle(FILES, signer)
    broken = replace(SITE, rules_engine="none")
    assert why(load(raw, broken, signer.as_trusted())) is Why.ENGINE


def test_a_file_is_loaded_offline_whoever_signed_it(tmp_path: Path) -> None:
    path = tmp_path / "x.bundle"
    path.write_bytes(bundle_files.bundle(FILES, None))
    assert loading.core_of_file(path, SITE).manifest.digest == digest_of(FILES)
    path.write_bytes(b"{}")
    with pytest.raises(RefusedBundle):
        loading.core_of_file(path, SITE)
    with pytest.raises(PackingFault):
        loading.core_of_file(tmp_path / "none", SITE)

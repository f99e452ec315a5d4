"""Bundles as bytes: one content, one digest; whatever is not exactly a bundle is refused."""

from __future__ import annotations

import json
import zlib
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import bundle
from contracts.bundle import (
    Bundle,
    Refusal,
    Signed,
    Why,
    activation_key,
    canonical,
    compress,
    digest_of,
    path_fault,
    read_activation,
    read_bundle,
    read_manifest,
    read_signed,
    signed_bytes,
    unpack,
)
from contracts.decision import encode_record

FILES = {"rules/house/minor.yaml": "id: house.minor\n", "knowledge/数据.yaml": "甲: 1\n"}


def packed(raw: bytes) -> tuple[bytes, str]:
    return zlib.compress(raw), sha256(raw).hexdigest()


def why(found: object) -> Why:
    assert isinstance(found, Refusal)
    assert found.detail
    return found.why


def test_files_come_back_as_they_were() -> None:
    content = compress(FILES)
    assert isinstance(content, bytes)
    assert unpack(content, digest_of(FILES)) == FILES


@given(st.permutations(list(FILES)))
def test_the_order_of_files_does_not_matter(order: list[str]) -> None:
    assert digest_of({path: FILES[path] for path in order}) == digest_of(FILES)
    assert compress({path: FILES[path] for path in order}) == compress(FILES)


@given(st.sampled_from(sorted(FILES)), st.text(min_size=1, max_size=3))
def test_any_change_of_a_text_is_another_digest(path: str, more: str) -> None:
    assert digest_of({**FILES, path: FILES[path] + more.encode("ascii", "replace").decode()}) != (
        digest_of(FILES)
    )


def test_moving_text_between_files_is_another_digest() -> None:
    one = {"rules/a/b.yaml": "xy", "rules/a/c.yaml": "z"}
    two = {"rules/a/b.yaml": "x", "rules/a/c.yaml": "yz"}
    assert digest_of(one) != digest_of(two)


@pytest.mark.parametrize(
    "path",
    [
        "../rules/a.yaml",
        "rules/../../etc/passwd.yaml",
        "rules/a/../b.yaml",
        "rules/./a.yaml",
        "/rules/a.yaml",
        "rules//a.yaml",
        "rules/",
        "rules",
        "rules.yaml",
        "other/a.yaml",
        "rules/a.txt",
        "rules/a.yaml/",
        "rules\\..\\a.yaml",
        "rules/c:a.yaml",
        "rules/a\x00.yaml",
        "rules/a\n.yaml",
        "rules/\ud800.yaml",
        "rules/e\u0301.yaml",  # not NFC: two spellings of one name
        f"rules/{'x' * 250}.yaml",
        f"rules/{'x/' * 300}a.yaml",
        "",
    ],
)
def test_a_path_that_could_leave_the_bundle_or_not_be_written_is_refused(path: str) -> None:
    assert path_fault(path)
    if "\ud800" not in path:
        assert why(compress({path: ""})) is Why.BAD_PATH
        assert why(unpack(*packed(canonical({path: ""})))) is Why.BAD_PATH


@pytest.mark.parametrize("path", [*FILES, "rules/a/b.test.yaml", "knowledge/x/y/z.yaml"])
def test_an_ordinary_path_is_taken(path: str) -> None:
    assert path_fault(path) == ""


def test_a_path_that_stands_twice_is_refused() -> None:
    raw = msgspec.json.encode([["rules/a/b.yaml", "1"], ["rules/a/b.yaml", "2"]])
    found = unpack(*packed(raw))
    assert why(found) is Why.BAD_PATH
    assert "twice" in str(found)


def test_paths_that_differ_in_case_only_are_refused() -> None:
    found = compress({"rules/a/b.yaml": "", "rules/A/b.yaml": ""})
    assert why(found) is Why.BAD_PATH


def test_a_content_of_another_form_is_refused_even_with_its_digest() -> None:
    unsorted = msgspec.json.encode([["rules/b/b.yaml", ""], ["rules/a/a.yaml", ""]])
    spaced = json.dumps([["rules/a/b.yaml", "1"]]).encode()
    for raw in (unsorted, spaced, b"{}", b"[]", b"[[1]]", b'["a"]', b"\xff", b"[" * 100_000):
        assert why(unpack(*packed(raw))) in (Why.BAD_CONTENT, Why.NOT_A_BUNDLE)


def test_a_content_that_is_not_what_the_digest_names_is_refused() -> None:
    content = compress(FILES)
    assert isinstance(content, bytes)
    assert why(unpack(content, digest_of({"rules/a/b.yaml": ""}))) is Why.DIGEST_MISMATCH


def test_a_cut_or_lengthened_content_is_refused() -> None:
    content = compress(FILES)
    assert isinstance(content, bytes)
    for broken in (content[:-1], content[:10], b"", content + b"x", content + content, b"no zlib"):
        assert why(unpack(broken, digest_of(FILES))) is Why.BAD_CONTENT


def test_a_bomb_is_refused_before_it_unfolds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_CONTENT_BYTES", 100_000)
    bomb = zlib.compress(b"0" * 50_000_000, 9)
    assert len(bomb) < 60_000
    assert why(unpack(bomb, "0" * 64)) is Why.TOO_LARGE


def test_too_much_is_said_with_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_FILES", 3)
    found = compress({f"rules/a/{n}.yaml": "" for n in range(4)})
    assert why(found) is Why.TOO_LARGE
    assert "at most 3" in str(found)
    monkeypatch.setattr(bundle, "MAX_CONTENT_BYTES", 10)
    assert why(compress({"rules/a/1.yaml": "x" * 20})) is Why.TOO_LARGE
    monkeypatch.setattr(bundle, "MAX_BUNDLE_BYTES", 100)
    assert why(read_bundle(b"x" * 101)) is Why.TOO_LARGE
    assert why(read_signed(b"x" * 101)) is Why.TOO_LARGE


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"schema": "one"}'])
def test_what_is_no_bundle_is_refused(raw: bytes) -> None:
    for read in (read_bundle, read_signed, read_manifest, read_activation):
        assert why(read(raw)) is Why.NOT_A_BUNDLE


def test_a_later_schema_is_named_as_such() -> None:
    raw = msgspec.json.decode(encode_record(Bundle(manifest=Signed(payload=b""), content=b"")))
    later = msgspec.json.encode({**raw, "schema": 2, "content": {"other": "shape"}})
    found = read_bundle(later)
    assert why(found) is Why.UNSUPPORTED_SCHEMA
    assert "update" in str(found)


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "F" * 64},
        {"digest": "ab"},
        {"sequence": 0},
        {"sequence": 10**12},
        {"channel": "a/b"},
        {"channel": ""},
        {"at": "2026-01-01T00:00:00"},
        {"author": ""},
        {"note": "x" * 2001},
    ],
)
def test_an_activation_says_everything_as_it_must(change: dict[str, object]) -> None:
    good = {
        "schema": 1,
        "channel": "main",
        "sequence": 1,
        "digest": "0" * 64,
        "at": "2026-01-01T00:00:00Z",
        "author": "a",
        "note": "",
    }
    assert not isinstance(read_activation(msgspec.json.encode(good)), Refusal)
    assert why(read_activation(msgspec.json.encode(good | change))) is Why.NOT_A_BUNDLE


def test_keys_of_activations_sort_as_their_sequences() -> None:
    keys = [activation_key("main", n) for n in (1, 9, 10, 123_456)]
    assert keys == sorted(keys)


@given(st.text("ab/+", max_size=6), st.binary(max_size=8), st.text("ab/+", max_size=6),
       st.binary(max_size=8))  # fmt: skip
def test_no_two_statements_are_signed_as_the_same_bytes(
    kind: str, payload: bytes, other_kind: str, other: bytes
) -> None:
    same = (kind, payload) == (other_kind, other)
    assert (signed_bytes(kind, payload) == signed_bytes(other_kind, other)) == same


def test_a_file_that_would_be_a_folder_too_is_refused_and_cannot_be_packed() -> None:
    files = {"knowledge/a.yaml": "x: 1\n", "knowledge/A.yaml/deep/b.yaml": "y: 2\n"}
    assert why(compress(files)) is Why.BAD_PATH
    assert why(unpack(*packed(canonical(files)))) is Why.BAD_PATH

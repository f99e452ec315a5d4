"""Rules and knowledge on their way to the workers: bundles, and which of them is in force.

Two kinds of record stand in the compacted bundles topic, and neither key is ever used again:

    content/<digest>                   a Bundle: the files, under a signed manifest
    activation/<channel>/<sequence>    a Signed Activation: from here on, this digest

The highest sequence of a channel is in force. Publishing adds both records, rolling back adds an
activation of an earlier digest, so the topic is also the history of what was in force. A bundle
on a stick is the same bytes as the record.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from itertools import accumulate
from typing import Annotated, Any, Final, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from contracts.decision import Record

SCHEMA: Final = 1
MAX_BUNDLE_BYTES: Final = 16 * 1_048_576
"""Of a bundle as record or file: compressed, and in base64."""
MAX_CONTENT_BYTES: Final = 128 * 1_048_576
MAX_FILES: Final = 50_000
MAX_PATH_BYTES: Final = 400
MAX_NOTE_CHARACTERS: Final = 2_000
MAX_NAME_CHARACTERS: Final = 200
FOLDERS: Final = ("rules", "knowledge")
SEQUENCE_DIGITS: Final = 12
"""Of an activation's key, with leading zeros."""

_SEGMENT_BYTES: Final = 200
_DIGEST: Final = r"^[0-9a-f]{64}$"
_CHANNEL: Final = r"^[a-z0-9][a-z0-9_-]{0,63}$"
_BAD_CHARACTER: Final = re.compile(r'[\x00-\x1f\x7f-\x9f\\:*?"<>|]')

Digest = Annotated[str, Meta(pattern=_DIGEST)]
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]
Note = Annotated[str, Meta(max_length=MAX_NOTE_CHARACTERS)]
Instant = Annotated[datetime, Meta(tz=True)]
Channel = Annotated[str, Meta(pattern=_CHANNEL)]
T = TypeVar("T")


class Why(StrEnum):
    """Why a bundle or an activation was refused."""

    TOO_LARGE = "too_large"
    NOT_A_BUNDLE = "not_a_bundle"
    UNSUPPORTED_SCHEMA = "unsupported_schema"
    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    WRONG_PLACE = "wrong_place"
    """The record's key says something else than what is signed."""
    BAD_CONTENT = "bad_content"
    DIGEST_MISMATCH = "digest_mismatch"
    BAD_PATH = "bad_path"
    LANGUAGE = "language"
    """Written in a later version of the rule language than this program knows."""
    PROFILE = "profile"
    KNOWLEDGE = "knowledge"
    RULES = "rules"
    ENGINE = "engine"
    MISSING_CONTENT = "missing_content"
    FAILED = "failed"
    """Loading raised what nobody expected: a bug."""


class Refusal(NamedTuple):
    """A bundle that does not come into force, and what to do about it."""

    why: Why
    detail: str

    def __str__(self) -> str:
        return f"{self.why.value}: {self.detail}"


class Signed(Record, frozen=True, kw_only=True, omit_defaults=False):
    """Bytes that somebody vouches for.

    `payload` is JSON, exactly as it was signed; `key` names the public key; the signature is
    Ed25519 over DSSE's pre-authentication encoding of the payload and its type.
    """

    payload: bytes
    key: str = ""
    """The first 16 hex digits of the SHA-256 over the raw public key; "" where not signed."""
    signature: bytes = b""


class Manifest(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What a bundle holds and who made it. The digest is of the content alone."""

    schema: int = SCHEMA
    digest: Digest
    """SHA-256 over the canonical content: equal files, equal digest, wherever they lay."""
    parent: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$")] = ""
    """What was in force when it was made; "" for nothing."""
    created_at: Instant
    author: Name
    """As the publisher gave it; the signature proves the key, not the name."""
    note: Note = ""
    language: Annotated[int, Meta(ge=1)]
    """The version of the rule language it needs."""
    profiles: tuple[Name, ...] = ()
    """Profiles it may be used in; empty: any."""
    files: Annotated[int, Meta(ge=1, le=MAX_FILES)]


class Bundle(Record, frozen=True, kw_only=True, omit_defaults=False):
    """Value of `content/<digest>`, and a bundle file."""

    schema: int = SCHEMA
    manifest: Signed
    content: bytes
    """zlib of a JSON list of [path, text], sorted by path, paths below `rules/`, `knowledge/`."""


class Activation(Record, frozen=True, kw_only=True, omit_defaults=False):
    """From here on this digest is in force on a channel. Signed, so that nobody else decides."""

    schema: int = SCHEMA
    channel: Channel
    sequence: Annotated[int, Meta(ge=1, le=999_999_999_999)]
    digest: Digest
    at: Instant
    author: Name
    note: Note = ""


MANIFEST_TYPE: Final = "application/vnd.yijian.manifest+json"
ACTIVATION_TYPE: Final = "application/vnd.yijian.activation+json"


def signed_bytes(kind: str, payload: bytes) -> bytes:
    """What a signature is made over: DSSE's encoding, so that no kind passes for another."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode("ascii"), len(payload), payload)


def is_channel(text: str) -> bool:
    """Whether a channel can be called so: small letters, digits, `-` and `_`."""
    return re.fullmatch(_CHANNEL, text) is not None


def content_key(digest: str) -> bytes:
    return f"content/{digest}".encode()


def activation_key(channel: str, sequence: int) -> bytes:
    return f"activation/{channel}/{sequence:0{SEQUENCE_DIGITS}d}".encode()


def canonical(files: Mapping[str, str]) -> bytes:
    """The content as bytes: the same for the same files."""
    return msgspec.json.encode([[path, files[path]] for path in sorted(files)])


def digest_of(files: Mapping[str, str]) -> str:
    """The name of a content: 64 hex digits."""
    return sha256(canonical(files)).hexdigest()


def path_fault(path: str) -> str:
    """What is wrong with a path inside a bundle; "" where nothing is."""
    segments = path.split("/")
    if segments[0] not in FOLDERS or len(segments) < 2:
        return f"it does not begin with {' or '.join(f'{name}/' for name in FOLDERS)}"
    if any(segment in ("", ".", "..") for segment in segments):
        return "it has an empty part, or one of . and .."
    if not path.endswith(".yaml"):
        return "it does not end in .yaml"
    if _BAD_CHARACTER.search(path) or not unicodedata.is_normalized("NFC", path):
        return "it has a character that not every system takes in a file name"
    try:
        sizes = [len(segment.encode()) for segment in segments]
    except UnicodeEncodeError:
        return "it is not Unicode text"
    if max(sizes) > _SEGMENT_BYTES or sum(sizes) + len(sizes) > MAX_PATH_BYTES:
        return f"a part is longer than {_SEGMENT_BYTES} bytes, or all than {MAX_PATH_BYTES}"
    return ""


def compress(files: Mapping[str, str]) -> bytes | Refusal:
    """The files as a bundle's content. They must be what `unpack` accepts."""
    raw = canonical(files)
    return _content_fault(raw, list(files)) or zlib.compress(raw, 9)


def unpack(content: bytes, digest: str) -> dict[str, str] | Refusal:
    """Path to text of a bundle's content, which is exactly what the digest names."""
    raw = _inflate(content)
    if isinstance(raw, Refusal):
        return raw
    if sha256(raw).hexdigest() != digest:
        return Refusal(Why.DIGEST_MISMATCH, "the content is not what the digest names")
    try:
        pairs = msgspec.json.decode(raw, type=list[tuple[str, str]])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Refusal(Why.BAD_CONTENT, "the content is no list of [path, text]")
    paths = [path for path, _ in pairs]
    fault = _content_fault(raw, paths)
    if fault is not None:
        return fault
    files = dict(pairs)
    if canonical(files) != raw:
        return Refusal(Why.BAD_CONTENT, "the content is not in its canonical form")
    return files


def _inflate(content: bytes) -> bytes | Refusal:
    # Never more than the limit is made, whatever the compressed bytes promise.
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(content, MAX_CONTENT_BYTES + 1)
    except zlib.error:
        return Refusal(Why.BAD_CONTENT, "the content is not zlib")
    if len(raw) > MAX_CONTENT_BYTES:
        return Refusal(Why.TOO_LARGE, f"the content is larger than {MAX_CONTENT_BYTES:,} bytes")
    if not inflater.eof or inflater.unused_data:
        return Refusal(Why.BAD_CONTENT, "the content is cut off, or something follows it")
    return raw


def _content_fault(raw: bytes, paths: list[str]) -> Refusal | None:
    if len(raw) > MAX_CONTENT_BYTES:
        return Refusal(
            Why.TOO_LARGE, f"{len(raw):,} bytes of content; at most {MAX_CONTENT_BYTES:,} fit"
        )
    if len(paths) > MAX_FILES:
        return Refusal(Why.TOO_LARGE, f"{len(paths):,} files; at most {MAX_FILES:,} fit")
    if not paths:
        return Refusal(Why.BAD_CONTENT, "there are no files")
    folded: dict[str, str] = {}
    for path in paths:
        if fault := path_fault(path):
            return Refusal(Why.BAD_PATH, f"{path[:MAX_PATH_BYTES]!a}: {fault}")
        other = folded.get(path.casefold())
        if other is not None:
            how = "stands twice" if other == path else f"differs from {other} in case only"
            return Refusal(Why.BAD_PATH, f"{path} {how}")
        folded[path.casefold()] = path
    for path in paths:
        for folder in accumulate(path.casefold().split("/")[:-1], "{}/{}".format):
            if folder in folded:
                return Refusal(
                    Why.BAD_PATH, f"{folded[folder]} is a file, and the folder of {path}"
                )
    return None


def read_bundle(raw: bytes) -> Bundle | Refusal:
    """The envelope of a bundle; nothing in it is trusted or unpacked yet."""
    if len(raw) > MAX_BUNDLE_BYTES:
        return Refusal(
            Why.TOO_LARGE, f"{len(raw):,} bytes; a bundle has at most {MAX_BUNDLE_BYTES:,}"
        )
    return _decode(raw, Bundle, "bundle")


def read_signed(raw: bytes) -> Signed | Refusal:
    """An activation's record, before its signature is looked at."""
    if len(raw) > MAX_BUNDLE_BYTES:
        return Refusal(Why.TOO_LARGE, "larger than any activation")
    return _decode(raw, Signed, "signed record")


def read_manifest(payload: bytes) -> Manifest | Refusal:
    return _decode(payload, Manifest, "manifest")


def read_activation(payload: bytes) -> Activation | Refusal:
    return _decode(payload, Activation, "activation")


class _Version(msgspec.Struct):
    schema: int = SCHEMA


def _decode(raw: bytes, kind: type[T], what: str) -> T | Refusal:
    try:
        # The version first: a later one may have another shape, and should be named as such.
        version = msgspec.json.decode(raw, type=_Version).schema
        if version != SCHEMA:
            detail = f"{what} of schema version {version}; this program reads {SCHEMA}: update it"
            return Refusal(Why.UNSUPPORTED_SCHEMA, detail)
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError) as e:
        detail = f"no {what}: {' '.join(str(e).split())[:200]}"
        return Refusal(Why.NOT_A_BUNDLE, detail)


def schemas() -> dict[str, tuple[type[Any], str]]:
    """File name to type and title of what is published about bundles."""
    return {
        "bundle.v1.schema.json": (Bundle, "Rules and knowledge with their signed manifest"),
        "bundle-manifest.v1.schema.json": (Manifest, "The signed payload of a bundle"),
        "activation.v1.schema.json": (Activation, "The signed payload of an activation"),
        "signed.v1.schema.json": (Signed, "A signed payload: the value of an activation record"),
    }

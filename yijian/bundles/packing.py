"""Files of rules and knowledge become the bytes of a bundle, the same wherever they lay."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from contracts.bundle import (
    MANIFEST_TYPE,
    MAX_BUNDLE_BYTES,
    Bundle,
    Manifest,
    Refusal,
    Signed,
    compress,
    digest_of,
    read_bundle,
)
from contracts.decision import encode_record
from rules.bundle import LANGUAGE
from yijian.bundles.errors import PackingFault, RefusedBundle
from yijian.bundles.signing import Signer


@dataclass(frozen=True, kw_only=True)
class About:
    """What a publisher says of a bundle."""

    author: str
    created_at: datetime
    note: str = ""
    parent: str = ""
    profiles: tuple[str, ...] = ()


def gather(rules: Sequence[Path], knowledge: Sequence[Path]) -> dict[str, str]:
    """Bundle path to text of every YAML file of these files and folders.

    A rule is called by its folder and file, as its id is; its test comes along. Knowledge is
    called by its place below the folder that was named; where two folders have one place, the
    files are told apart by their content. Raises PackingFault.
    """
    files: dict[str, str] = {}
    for path in rules:
        for file, _ in _yaml(path):
            name = _name("rules", file.parent.name, file.name)
            text = _text(file)
            if files.setdefault(name, text) != text:
                raise PackingFault(
                    f"{file}: another file is called {file.parent.name}/{file.name} too; the id "
                    "of a rule is its folder and file, so keep one of them"
                )
    if not files:
        raise PackingFault("there are no rules to pack")
    return files | _knowledge(knowledge)


def _knowledge(paths: Sequence[Path]) -> dict[str, str]:
    found: dict[str, dict[str, None]] = {}
    for path in paths:
        for file, place in _yaml(path):
            found.setdefault(_name("knowledge", *place.parts), {})[_text(file)] = None
    files = {}
    for name, texts in found.items():
        for text in texts:
            alone = len(texts) == 1
            stem = name.removesuffix(".yaml")
            mark = sha256(text.encode()).hexdigest()[:8]
            files[name if alone else f"{stem}.{mark}.yaml"] = text
    return files


def _yaml(path: Path) -> Iterator[tuple[Path, Path]]:
    """Each YAML file, absolute, with its place below `path`."""
    root = path.absolute()  # the folder of a file given as `x.yaml` is part of its rule's id
    if root.is_dir():
        for file in sorted(root.rglob("*.yaml")):
            yield file, file.relative_to(root)
    elif root.is_file():
        yield root, Path(root.name)
    else:
        raise PackingFault(f"{path}: no such file or folder")


def _name(*parts: str) -> str:
    return unicodedata.normalize("NFC", "/".join(parts))


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise PackingFault(f"{file}: not UTF-8; save it as UTF-8") from None
    except OSError as e:
        raise PackingFault(f"{file}: cannot be read: {e.strerror}") from None


def pack(files: dict[str, str], about: About, signer: Signer | None) -> bytes:
    """The bundle of these files, signed where there is a signer. Raises PackingFault."""
    content = compress(files)
    if isinstance(content, Refusal):
        raise PackingFault(content.detail)
    manifest = Manifest(
        digest=digest_of(files),
        parent=about.parent,
        created_at=about.created_at,
        author=about.author,
        note=about.note,
        language=LANGUAGE,
        profiles=tuple(sorted(about.profiles)),
        files=len(files),
    )
    return seal(encode_record(manifest), content, signer)


def seal(manifest: bytes, content: bytes, signer: Signer | None) -> bytes:
    """The bytes of a bundle from its parts. Raises PackingFault where they are too many."""
    signed = signer.sign(MANIFEST_TYPE, manifest) if signer else Signed(payload=manifest)
    raw = encode_record(Bundle(manifest=signed, content=content))
    if len(raw) > MAX_BUNDLE_BYTES:
        raise PackingFault(
            f"the bundle has {len(raw):,} bytes; at most {MAX_BUNDLE_BYTES:,} can be broadcast: "
            "split the knowledge, or leave out what no rule asks for"
        )
    return raw


def signed_now(raw: bytes, signer: Signer) -> bytes:
    """The same bundle, vouched for by this signer. Raises RefusedBundle where it is none."""
    bundle = read_bundle(raw)
    if isinstance(bundle, Refusal):
        raise RefusedBundle(bundle)
    return seal(bundle.manifest.payload, bundle.content, signer)

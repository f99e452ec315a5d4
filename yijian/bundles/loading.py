"""The bytes of a bundle become rules that decide, or a refusal; in a worker and offline alike."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import msgspec

import knowledge_base
import rules
from contracts.bundle import (
    MANIFEST_TYPE,
    Bundle,
    Manifest,
    Refusal,
    Why,
    read_bundle,
    read_manifest,
    unpack,
)
from contracts.event import EVENT_TYPES
from knowledge_base import KnowledgeBase, KnowledgeError
from knowledge_base.strict_yaml import Problem
from rules import PackError
from rules.bundle import LANGUAGE
from rules.errors import EngineError
from yijian.bundles.errors import PackingFault, RefusedBundle
from yijian.bundles.signing import Trusted
from yijian.composition import Core, evaluator_of
from yijian.settings import Settings

_MOST_PROBLEMS: Final = 5
_AROUND: Final = (timedelta(-1), timedelta(0), timedelta(1))


@dataclass(frozen=True)
class Opened:
    """A bundle whose signature and digest hold: what it says, and its files."""

    manifest: Manifest
    files: Mapping[str, str]
    key: str
    """Id of the key that signed it; "" where nobody did."""


@dataclass(frozen=True)
class Loaded:
    """A bundle that can decide."""

    manifest: Manifest
    core: Core


def open_bundle(raw: bytes, trusted: Trusted | None) -> Opened | Refusal:
    """What is in a bundle; without `trusted` nobody's signature is asked for."""
    bundle = read_bundle(raw)
    if isinstance(bundle, Refusal):
        return bundle
    manifest = _manifest(bundle, trusted)
    if isinstance(manifest, Refusal):
        return manifest
    files = unpack(bundle.content, manifest.digest)
    if isinstance(files, Refusal):
        return files
    if len(files) != manifest.files:
        return Refusal(Why.DIGEST_MISMATCH, f"{len(files)} files; the manifest says otherwise")
    return Opened(manifest, files, bundle.manifest.key)


def _manifest(bundle: Bundle, trusted: Trusted | None) -> Manifest | Refusal:
    # Before the signature holds, nothing in it is believed, nor unpacked.
    refusal = trusted.check(MANIFEST_TYPE, bundle.manifest) if trusted is not None else None
    return refusal or read_manifest(bundle.manifest.payload)


def load(raw: bytes, settings: Settings, trusted: Trusted | None) -> Loaded | Refusal:
    """Rules, knowledge and evaluator of a bundle, whose decisions name its digest.

    Raises OSError where this machine cannot unpack it now: that is not the bundle's fault.
    """
    opened = open_bundle(raw, trusted)
    if isinstance(opened, Refusal):
        return opened
    refusal = _unfit(opened.manifest, settings.profile)
    if refusal is not None:
        return refusal
    with _folder(opened.files) as folder:
        core = _core(folder, opened.manifest.digest, settings)
    return core if isinstance(core, Refusal) else Loaded(opened.manifest, core)


def _unfit(manifest: Manifest, profile: str) -> Refusal | None:
    if manifest.language > LANGUAGE:
        detail = (
            f"it needs version {manifest.language} of the rule language; this program knows "
            f"{LANGUAGE}: update it"
        )
        return Refusal(Why.LANGUAGE, detail)
    if manifest.profiles and profile not in manifest.profiles:
        meant = ", ".join(manifest.profiles)
        return Refusal(Why.PROFILE, f"it is meant for the profile {meant}; this one is {profile}")
    return None


@contextmanager
def _folder(files: Mapping[str, str]) -> Iterator[Path]:
    """A folder with the files of an opened bundle, for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="yijian-bundle-") as name:
        folder = Path(name)
        for path, text in files.items():
            # Checked when the bundle was opened; a mistake there must not leave the folder.
            place = folder / path
            if not place.resolve().is_relative_to(folder.resolve()):
                raise PackingFault(f"{path!a} leads out of the bundle")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text.encode())
        yield folder


@contextmanager
def unpacked(files: Mapping[str, str]) -> Iterator[tuple[Path, KnowledgeBase]]:
    """The folder of a bundle's rules and tests, and its knowledge, for tools that read files.

    Raises KnowledgeError.
    """
    with _folder(files) as folder:
        yield folder / "rules", knowledge_base.load(_knowledge_paths(folder))


def _knowledge_paths(folder: Path) -> list[Path]:
    place = folder / "knowledge"
    return [place] if place.is_dir() else []


def _core(folder: Path, digest: str, settings: Settings) -> Core | Refusal:
    try:
        knowledge = knowledge_base.load(_knowledge_paths(folder))
        pack = rules.load_pack([folder / "rules"], knowledge)
        evaluator = evaluator_of(settings, pack, knowledge)
    except KnowledgeError as e:
        return Refusal(Why.KNOWLEDGE, _said(e.problems, folder))
    except PackError as e:
        return Refusal(Why.RULES, _said(e.problems, folder))
    except EngineError as e:
        return Refusal(Why.ENGINE, str(e))
    except (OSError, MemoryError):
        raise
    except Exception as e:  # whatever is in a bundle, the worker goes on with the one it has
        return Refusal(Why.FAILED, f"{type(e).__name__} while loading; report this as a bug")
    evaluator.basis = msgspec.structs.replace(evaluator.basis, bundle=digest)
    return Core(knowledge, pack, evaluator)


def _said(problems: Sequence[Problem], folder: Path) -> str:
    lines = [str(problem).replace(f"{folder}{os.sep}", "") for problem in problems]
    more = len(lines) - _MOST_PROBLEMS
    tail = [f"… and {more} more"] if more > 0 else []
    return "\n".join([*lines[:_MOST_PROBLEMS], *tail])


def warm_up(core: Core, today: date) -> None:
    """Make the plans that events of these days will ask for, so that none of them waits."""
    for event_type in EVENT_TYPES:
        for days in _AROUND:
            core.evaluator.plan(event_type, today + days)


def read_file(path: Path) -> bytes:
    """A bundle file's bytes. Raises PackingFault."""
    try:
        return path.read_bytes()
    except OSError as e:
        raise PackingFault(f"{path}: cannot be read: {e.strerror}") from None


def opened_file(path: Path, trusted: Trusted | None = None) -> Opened:
    """A bundle file, opened. Raises PackingFault or RefusedBundle."""
    opened = open_bundle(read_file(path), trusted)
    if isinstance(opened, Refusal):
        raise RefusedBundle(opened)
    return opened


def core_of_file(path: Path, settings: Settings) -> Loaded:
    """A bundle file, loaded for offline use: its signature does not matter, its digest does.

    Raises PackingFault or RefusedBundle.
    """
    loaded = load(read_file(path), settings, None)
    if isinstance(loaded, Refusal):
        raise RefusedBundle(loaded)
    return loaded

"""The lock file: a digest of each rule's content, so that no rule changes without a new version.

What a rule means is content: everything but its version, its status and who reviewed it when.
Layout, comments and the order of keys are not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from knowledge_base.strict_yaml import Node, Problem, read
from rules.pack import Pack
from rules.reading.check_ids import LOCK
from rules.reading.fields import Fields, day_of

NAME: Final = "rules.lock"
"""The file's name; it lies in the folder that holds the packs."""
LIFE: Final = frozenset(
    {
        "version", "status", "retired_because", "authored_by", "checked_by", "reviewed_on",
        "next_review",
    }
)  # fmt: skip
"""Keys that say where a rule stands in its life, and nothing of what it means."""

_HEAD: Final = """\
# Written by `yijian rules lock`: the digest of each rule's content at its version.
# A rule whose content changed gets a higher version first; a rule is never deleted, but retired.
"""
DRAFT: Final = "draft"
"""The status of rules that are free of the lock: they may change at will."""
_RELOCK: Final = "run `yijian rules lock`"


@dataclass(frozen=True)
class Entry:
    """A rule as it was locked."""

    version: int
    digest: str


@dataclass(frozen=True)
class Lock:
    """The rules of a folder as they were locked, by id."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    nodes: Mapping[str, Node] = field(default_factory=dict, compare=False, repr=False)
    """Where each stands in the lock file."""


def path_for(paths: Sequence[Path]) -> Path | None:
    """The lock file that governs these files and folders: in one of them, or up to two above."""
    for path in paths:
        folder = path.resolve() if path.is_dir() else path.resolve().parent
        for place in (folder, *list(folder.parents)[:2]):
            if (place / NAME).is_file():
                return place / NAME
    return None


def digest_of(node: Node) -> str:
    """The first 16 hex digits of the SHA-256 over a rule file's content."""
    content = {name: _plain(value) for name, _, value in node.items() if name not in LIFE}
    text = json.dumps(content, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


def _plain(node: Node) -> Any:
    """Plain values; a date in quotes is text, and differs from one without."""
    if isinstance(node.value, dict):
        return {name: _plain(value) for name, (_, value) in node.value.items()}
    if isinstance(node.value, list):
        return [_plain(child) for child in node.value]
    if node.quoted and day_of(node.value) is not None:
        return {"text": node.value}
    return node.value


def read_lock(path: Path, problems: list[Problem]) -> Lock:
    """The content of a lock file; what is wrong is appended to `problems`."""
    node = read(path, problems)
    f = Fields(node, "a lock file", problems) if node is not None else None
    listed = f.get("rules") if f is not None and f.expect(("rules",)) else None
    entries: dict[str, Entry] = {}
    nodes: dict[str, Node] = {}
    for child in listed if listed is not None and listed.is_list else ():
        e = Fields(child, "an entry", problems)
        if e.expect(("id", "version", "digest")):
            entries[e.text("id")] = Entry(e.positive("version"), e.text("digest"))
            nodes[e.text("id")] = child
    return Lock(entries, nodes)


def problems(pack: Pack, path: Path) -> list[Problem]:
    """Where the rules of a pack and the lock file differ."""
    found: list[Problem] = []
    lock = read_lock(path, found)
    return found + list(compare(lock, path, _rules(pack)))


def compare(
    lock: Lock,
    path: Path,
    rules: Mapping[str, tuple[int, Node]],
    unreadable: Collection[str] = (),
    *,
    is_whole: bool = True,
) -> Iterable[Problem]:
    """The differences between a lock and rules (version and file) by id.

    `is_whole`: the rules, with the ids of the unreadable ones, are all that there are, so that a
    locked one that is not among them is gone.
    """
    for rule_id, (version, node) in rules.items():
        entry = lock.entries.get(rule_id)
        if _is_draft(node):
            continue
        if entry is None:
            yield _at(node, f"the rule {rule_id} is not locked", _RELOCK)
            continue
        same = entry.digest == digest_of(node)
        if version < entry.version:
            fix = f"raise it to {entry.version + 1}"
            yield _at(node, f"the version {version} is below the locked {entry.version}", fix)
        elif version == entry.version and not same:
            fix = f"raise the version to {version + 1}, then {_RELOCK}"
            yield _at(node, f"the content of version {version} changed", fix)
        elif version > entry.version:
            yield _at(node, f"version {version} is not locked yet", _RELOCK)
    if is_whole:
        for rule_id in sorted(lock.entries.keys() - rules.keys() - set(unreadable)):
            place = lock.nodes.get(rule_id)
            line = place.line if place is not None else 1
            fix = "a rule is never deleted: bring it back with `status: retired`"
            message = f"the locked rule {rule_id} is gone"
            yield Problem(path, line, 1, message, fix, check=LOCK)


def write(pack: Pack, path: Path) -> list[Problem]:
    """Lock the rules of a pack. Nothing is written where this returns problems."""
    found: list[Problem] = []
    rules = _rules(pack)
    lock = Lock()
    if path.exists():
        lock = read_lock(path, found)
        found += [p for p in compare(lock, path, rules) if p.fix != _RELOCK]
    if found:
        return found
    entries = {name: e for name, e in lock.entries.items() if name in rules}
    entries |= {
        name: Entry(version, digest_of(node))
        for name, (version, node) in rules.items()
        if not _is_draft(node)
    }
    lines = [
        f'  - {{id: {rule_id}, version: {entry.version}, digest: "{entry.digest}"}}\n'
        for rule_id, entry in sorted(entries.items())
    ]
    path.write_text(f"{_HEAD}rules:\n{''.join(lines)}", encoding="utf-8")
    return []


def dropped(pack: Pack, path: Path) -> list[str]:
    """The locked versions that the rules of a pack no longer hold, `house.rule version 1`.

    A version that was raised without keeping the earlier body under `versions:`: service dates
    of before are judged by the new one.
    """
    lock = read_lock(path, []) if path.exists() else Lock()
    found = []
    for rule in pack.rules:
        entry = lock.entries.get(rule.id)
        if entry is not None and entry.version not in {body.version for body in rule.bodies}:
            found.append(f"{rule.id} version {entry.version}")
    return found


def _is_draft(node: Node) -> bool:
    status = node.get("status")
    return status is not None and status.value == DRAFT


def _rules(pack: Pack) -> dict[str, tuple[int, Node]]:
    """Version and file of each rule of a pack that came from files."""
    found: dict[str, tuple[int, Node]] = {}
    for rule in pack.rules:
        path = pack.path(rule.id)
        node = read(path, []) if path is not None else None
        if node is not None and node.is_mapping:
            found[rule.id] = (rule.version, node)
    return found


def _at(node: Node, message: str, fix: str) -> Problem:
    place = node.get("version") or node
    return Problem(node.path, place.line, 1, message, fix, check=LOCK)

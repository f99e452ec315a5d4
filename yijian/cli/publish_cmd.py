"""`yijian rules keygen`, `pack`, `publish` and `rollback`: rules on their way to workers.

Exit codes: 0 done; 1 refused, by the check, by what workers would say, or by the topic; 2 wrong
use, keys or files; 3 Kafka could not be reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.bundle import Activation, Refusal, read_bundle
from contracts.clock import SystemClock
from knowledge_base import KnowledgeBase
from knowledge_base.strict_yaml import Problem
from rules.authoring import workbench
from rules.pack import read_pack
from yijian import services, settings
from yijian.bundles import packing, registry
from yijian.bundles.errors import KeyFault, RefusedBundle
from yijian.bundles.loading import load, open_bundle, opened_file, read_file, unpacked
from yijian.bundles.signing import Signer, Trusted, generate, read_signer, trusted_keys
from yijian.cli.authoring_cmd import show_problems
from yijian.cli.console import NO, USAGE, as_json, fail, out, say
from yijian.cli.workbench import Json, Paths, knowledge_paths, load_knowledge, rule_paths, working
from yijian.settings import Settings

Key = Annotated[Path | None, typer.Option("--key", help="Private key; else YIJIAN_BUNDLE_KEY.")]
Author = Annotated[str, typer.Option("--author", help="Who publishes; the key's name if left out.")]
Note = Annotated[str, typer.Option("--note", help="What it changes, and why.")]
Knowledge = Annotated[
    list[Path] | None,
    typer.Option("--add-knowledge", help="More knowledge, besides what is in use. Repeatable."),
]
Profiles = Annotated[
    list[str] | None,
    typer.Option("--for-profile", help="Only for workers of this profile. Repeatable."),
]


def register(app: typer.Typer) -> None:
    for command in (keygen, pack, publish, rollback):
        app.command()(command)


def keygen(
    folder: Annotated[Path, typer.Option("--out", help="Where the two files are written.")] = (
        Path("keys")
    ),
    name: Annotated[str, typer.Option(help="What the key is called, e.g. pharmacy-2026.")] = (
        "bundles"
    ),
    json: Json = False,
) -> None:
    """Make a pair of keys: one signs bundles, the other is trusted by workers. 生成密钥。"""
    if not name or not all(c.isalnum() or c in "-_" for c in name):
        fail(f"{name!r}: a key's name has letters, digits, - and _ only", USAGE)
    made = generate(folder, name)
    if json:
        as_json({"key": made.key_id, "private": str(made.private), "public": str(made.public)})
        return
    out.print(f"key 密钥 {made.key_id}", markup=False)
    out.print(f"private 私钥: {made.private} (keep it; YIJIAN_BUNDLE_KEY)", markup=False)
    out.print(f"public  公钥: {made.public} (give it to workers; YIJIAN_BUNDLE_KEYS)", markup=False)


def pack(
    paths: Paths = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = (
        Path("rules.bundle")
    ),
    knowledge: Knowledge = None,
    key: Key = None,
    author: Author = "",
    note: Note = "",
    parent: Annotated[str, typer.Option(help="Digest that it follows, if you know it.")] = "",
    profiles: Profiles = None,
    json: Json = False,
) -> None:
    """Check rules and knowledge and write them as one file; signed if there is a key. 打包。"""
    s = settings.load()
    signer = _signer(s, key, needed=False)
    about = _About(author or (signer.name if signer else ""), note, parent, tuple(profiles or ()))
    raw = _checked_bundle(s, paths, knowledge, signer, about)
    output.write_bytes(raw)
    opened = open_bundle(raw, None)
    assert not isinstance(opened, Refusal)
    manifest = opened.manifest
    if json:
        as_json({"digest": manifest.digest, "file": str(output), "files": manifest.files,
                 "bytes": len(raw), "key": opened.key})  # fmt: skip
        return
    out.print(f"{manifest.digest}  {output} ({manifest.files} files, {len(raw):,} bytes)",
              markup=False)  # fmt: skip
    if not opened.key:
        say("not signed: `publish` signs it, workers refuse it as it is 未签名")


def publish(
    paths: Paths = None,
    knowledge: Knowledge = None,
    key: Key = None,
    author: Author = "",
    note: Note = "",
    profiles: Profiles = None,
    json: Json = False,
) -> None:
    """Check, sign and broadcast rules and knowledge, or a bundle file; workers swap to it. 发布。

    Nothing is broadcast that has a problem, or that a worker with these settings would refuse.
    """
    s = services.with_kafka(settings.load())
    signer = _signer(s, key, needed=True)
    trusted = trusted_keys(s)
    shelf = registry.read_shelf(s, trusted)
    current = shelf.in_force
    name = author or signer.name
    file = _bundle_file(paths)
    if file is None:
        parent = current.digest if current is not None else ""
        about = _About(name, note, parent, tuple(profiles or ()))
        raw = _checked_bundle(s, paths, knowledge, signer, about)
    else:
        if knowledge or profiles:
            fail(
                "a bundle file is published as it is: leave --add-knowledge and --for-profile out",
                USAGE,
            )
        raw = _signed_file(file, signer, trusted)
        _check_bundle(file)
    digest = _loadable(raw, s, trusted)
    if current is not None and shelf.is_settled(digest, signer.key_id, _key_of(raw)):
        _say_activated(current, json, changed=False)
        return
    wish = registry.Wish(signer, name, SystemClock().now(), note)
    _say_activated(registry.publish(s, raw, wish, trusted), json, changed=True)


def rollback(
    digest: Annotated[str, typer.Argument(help="The first digits of the bundle's digest.")],
    key: Key = None,
    author: Author = "",
    note: Note = "",
    json: Json = False,
) -> None:
    """Put an earlier bundle in force again; workers swap to it. 回退。"""
    s = services.with_kafka(settings.load())
    signer = _signer(s, key, needed=True)
    trusted = trusted_keys(s)
    shelf = registry.read_shelf(s, trusted)
    stored = shelf.find(digest)
    _loadable(stored.raw, s, trusted)
    current = shelf.in_force
    if current is not None and shelf.is_settled(stored.digest, signer.key_id, stored.key):
        _say_activated(current, json, changed=False)
        return
    wish = registry.Wish(signer, author or signer.name, SystemClock().now(), note or "rollback")
    _say_activated(registry.activate(s, stored.digest, wish, trusted), json, changed=True)


def _say_activated(activation: Activation, json: bool, changed: bool) -> None:
    if json:
        as_json({"digest": activation.digest, "sequence": activation.sequence,
                 "channel": activation.channel, "changed": changed})  # fmt: skip
        return
    out.print(activation.digest, markup=False)
    if changed:
        say(f"activation {activation.sequence} of {activation.channel}: workers swap to it 已生效")
    else:
        say(f"in force already since activation {activation.sequence} 已在使用")


def _signer(s: Settings, key: Path | None, *, needed: bool) -> Any:
    path = key or s.bundle_key
    if path is not None:
        return read_signer(path)
    if needed:
        raise KeyFault(
            "no private key: give --key, or set YIJIAN_BUNDLE_KEY; `yijian rules keygen` makes one"
        )
    return None


def _bundle_file(paths: list[Path] | None) -> Path | None:
    """The bundle file that is named instead of rules, if one is."""
    if paths and len(paths) == 1 and paths[0].is_file() and paths[0].suffix != ".yaml":
        return paths[0]
    return None


@dataclass(frozen=True)
class _About:
    author: str
    note: str
    parent: str
    profiles: tuple[str, ...]


def _checked_bundle(
    s: Settings,
    paths: list[Path] | None,
    more: list[Path] | None,
    signer: Signer | None,
    about: _About,
) -> bytes:
    """The bundle of these files, whose rules, tests and lock have no problem; else the end."""
    if not about.author:
        fail("say who packs it: --author NAME 请注明作者", USAGE)
    folders = rule_paths(s, paths)
    known = knowledge_paths(s, more)
    with working("checking 检查中"):
        problems = workbench.check(
            folders,
            load_knowledge(s, more),
            today=SystemClock().now().date(),
            knowledge_paths=list(more or ()) if paths else list(known),
        )
    _refuse_problems(problems)
    _say_drafts(folders, load_knowledge(s, more))
    files = packing.gather(folders, known)
    return packing.pack(
        files,
        packing.About(
            author=about.author,
            created_at=SystemClock().now(),
            note=about.note,
            parent=about.parent,
            profiles=about.profiles,
        ),
        signer,
    )


def _say_drafts(folders: Sequence[Path], knowledge: KnowledgeBase) -> None:
    rules = read_pack(folders, knowledge, []).rules
    drafts = [rule.id for rule in rules if rule.status == "draft"]
    if drafts:
        say(
            f"drafts are not evaluated by workers: {', '.join(drafts)}; set `status: shadow`, "
            "then lock 草稿不参与评估"
        )


def _check_bundle(file: Path) -> None:
    """The same check for what is in a bundle file."""
    with unpacked(opened_file(file).files) as (rules, knowledge), working("checking 检查中"):
        problems = workbench.check([rules], knowledge, today=SystemClock().now().date())
        _say_drafts([rules], knowledge)
        # As they are called in the bundle: the folder is gone when somebody reads this.
        _refuse_problems([replace(p, path=_within(p.path, rules.parent)) for p in problems])


def _within(path: Path, folder: Path) -> Path:
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def _refuse_problems(problems: Sequence[Problem]) -> None:
    errors = sum(problem.level == "error" for problem in problems)
    if errors:
        show_problems(problems)
        fail(f"{errors} problems 处问题: nothing was packed 未打包", NO)


def _signed_file(file: Path, signer: Signer, trusted: Trusted | None) -> bytes:
    """The bytes of a bundle file; signed now where nobody had."""
    raw = read_file(file)
    opened = opened_file(file)
    if opened.key:
        if trusted is None and opened.key != signer.key_id:
            say("no YIJIAN_BUNDLE_KEYS: its signature is not checked here 未校验签名")
        return raw
    return packing.signed_now(raw, signer)


def _key_of(raw: bytes) -> str:
    """Id of the key that signed a bundle."""
    bundle = read_bundle(raw)
    return "" if isinstance(bundle, Refusal) else bundle.manifest.key


def _loadable(raw: bytes, s: Settings, trusted: Trusted | None) -> str:
    """The digest of a bundle that a worker with these settings takes. Raises RefusedBundle."""
    loaded = load(raw, s, trusted)
    if isinstance(loaded, Refusal):
        raise RefusedBundle(loaded)
    return loaded.manifest.digest

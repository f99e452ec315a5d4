"""`yijian rules bundles`: what was published, what is in force, who runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from contracts.bundle import Refusal
from yijian import services, settings
from yijian.bundles import asking, registry
from yijian.bundles.loading import load, read_file
from yijian.bundles.registry import Shelf, Stored
from yijian.bundles.signing import Trusted, trusted_keys
from yijian.cli.console import NO, UNREACHABLE, as_json, fail, out, say, table
from yijian.cli.workbench import Json
from yijian.settings import Settings

_SHORT: Final = 12

bundles = typer.Typer(
    help="Bundles that were published: list, verify. 已发布的规则包。", invoke_without_command=True
)


def register(app: typer.Typer) -> None:
    app.add_typer(bundles, name="bundles")


@bundles.callback()
def listing(
    context: typer.Context,
    status: Annotated[
        list[str] | None,
        typer.Option("--status", help="host:port of a worker to ask what it runs. Repeatable."),
    ] = None,
    json: Json = False,
) -> None:
    """Every bundle of the topic: digest, parent, when, author, key and status. 列表。"""
    if context.invoked_subcommand is not None:
        return
    s = services.with_kafka(settings.load())
    trusted = trusted_keys(s)
    shelf = registry.read_shelf(s, trusted)
    workers = asking.workers(status or ())
    rows = [_row(shelf, stored, workers, trusted) for stored in shelf.contents.values()]
    rows.sort(key=lambda row: str(row["created_at"]))
    refused = [{"sequence": n, "why": r.why.value, "detail": r.detail}
               for n, r in sorted(shelf.refused.items())]  # fmt: skip
    if json:
        as_json({"channel": shelf.channel, "bundles": rows, "refused_activations": refused,
                 "workers": [w.as_dict() for w in workers]})  # fmt: skip
    else:
        _show(shelf.channel, rows, refused, workers)
    if any(worker.error for worker in workers):
        fail("not every worker answered 有进程未应答", UNREACHABLE)


def _row(
    shelf: Shelf, stored: Stored, workers: list[asking.Worker], trusted: Trusted | None
) -> dict[str, Any]:
    manifest = stored.manifest
    names = trusted.names if trusted is not None else {}
    return {
        "digest": stored.digest,
        "parent": manifest.parent if manifest else "",
        "created_at": manifest.created_at.isoformat(timespec="seconds") if manifest else "",
        "published_at": _published(shelf, stored),
        "author": manifest.author if manifest else "",
        "note": manifest.note if manifest else "",
        "profiles": list(manifest.profiles) if manifest else [],
        "key": stored.key,
        "key_name": names.get(stored.key, ""),
        "bytes": stored.bytes,
        "status": shelf.status(stored.digest),
        "activations": [a.sequence for a in shelf.activated(stored.digest)],
        "workers": [w.address for w in workers if w.digest == stored.digest],
    }


def _published(shelf: Shelf, stored: Stored) -> str:
    """When it was first put in force; "" where it never was."""
    times = [activation.at for activation in shelf.activated(stored.digest)]
    return min(times).isoformat(timespec="seconds") if times else ""


_STATUSES = {
    "in_force": "in force 使用中",
    "earlier": "earlier 曾用",
    "never_activated": "never 未用",
}


def _show(
    channel: str,
    rows: list[dict[str, Any]],
    refused: list[dict[str, Any]],
    workers: list[asking.Worker],
) -> None:
    columns = ["digest", "parent", "when 时间", "author 作者", "key 密钥", "status 状态",
               "activations 生效序号", "note 说明"]  # fmt: skip
    shown = [
        [r["digest"][:_SHORT], r["parent"][:_SHORT], r["published_at"] or r["created_at"],
         r["author"], r["key_name"] or r["key"], _STATUSES[r["status"]],
         " ".join(map(str, r["activations"])), r["note"]]
        for r in rows
    ]  # fmt: skip
    if rows:
        table(f"Bundles of {channel} 规则包", columns, shown)
    else:
        say("no bundle was published yet: workers use files 尚未发布")
    for one in refused:
        say(f"activation {one['sequence']} is not followed 未被接受: {one['why']}: {one['detail']}")
    if workers:
        columns = ["worker", "mode", "digest", "activation", "rules waiting 等待", "refused 被拒"]
        table("Workers 进程", columns, [w.row(_SHORT) for w in workers])
    for worker in workers:
        for waiting in worker.waiting:
            say(f"{worker.address}: not evaluable before its past is known 历史不足 {waiting}")


@bundles.command()
def verify(
    file: Annotated[
        Path | None, typer.Argument(help="A bundle file; the whole topic if left out.")
    ] = None,
    json: Json = False,
) -> None:
    """Load a bundle file, or every bundle of the topic, exactly as a worker would. 验证。"""
    s = settings.load()
    trusted = trusted_keys(s)
    if trusted is None:
        say("no YIJIAN_BUNDLE_KEYS: signatures are not checked 未校验签名")
    if file is not None:
        raws = {str(file): read_file(file)}
    else:
        s = services.with_kafka(s)
        contents = registry.read_shelf(s, trusted).contents
        raws = {digest: stored.raw for digest, stored in contents.items()}
    found = [_verified(name, raw, s, trusted) for name, raw in raws.items()]
    if json:
        as_json({"bundles": found})
    else:
        for one in found:
            out.print(f"{one['name']}: {one['why'] or 'good 有效'} {one['detail']}".rstrip(),
                      markup=False)  # fmt: skip
    bad = sum(bool(one["why"]) for one in found)
    if bad:
        fail(f"{bad} of {len(found)} would be refused 将被拒绝", NO)


def _verified(name: str, raw: bytes, s: Settings, trusted: Trusted | None) -> dict[str, str]:
    loaded = load(raw, s, trusted)
    if isinstance(loaded, Refusal):
        return {"name": name, "digest": "", "why": loaded.why.value, "detail": loaded.detail}
    return {"name": name, "digest": loaded.manifest.digest, "why": "", "detail": ""}

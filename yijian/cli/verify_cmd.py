"""`yijian verify`: the second engine's process, its report, and the same without Kafka."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from contracts.decision import Decision, Reader
from sinks.client import connect
from sinks.schema import migrate
from sinks.verifications import Summary, summary
from yijian import services, settings
from yijian.cli.console import NO, USAGE, as_json, fail, logs, out, say, table
from yijian.composition import load_core
from yijian.configs import verify_config

verify = typer.Typer(
    help="A second engine checks a share of the decisions. 第二引擎抽查。",
    invoke_without_command=True,
)

_TITLE: Final = "Verified rules 抽查结果"


@verify.callback()
def run(
    context: typer.Context,
    share: Annotated[
        float | None, typer.Option(min=0, max=100, help="Percentage of decisions.")
    ] = None,
) -> None:
    """Run a verifier: decisions in, rows of `verifications` out, until it is stopped.

    Its share is YIJIAN_VERIFY_SHARE unless given.
    """
    if context.invoked_subcommand is not None:
        return
    from yijian.bundles.by_basis import from_topic
    from yijian.verify import process
    from yijian.verify.library import Library

    s = services.with_clickhouse(services.with_kafka(settings.load()))
    logs(s.log_level)
    config = verify_config(s, s.verify_share if share is None else share)
    if config.share == 0:
        fail("the share is 0: nothing to verify; set YIJIAN_VERIFY_SHARE (0–100, in %)", USAGE)
    library = Library(load_core(s), from_topic(s))
    sys.exit(process.run(config, library, s.clickhouse_dsn, s.verify_http))


@verify.command()
def report(
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    examples: Annotated[int, typer.Option(min=0, help="Disagreements shown.")] = 3,
) -> None:
    """What verifiers have found so far; exit code 1 where they found a disagreement. 抽查报告。"""
    from yijian.verify.verifier import NOT_CHECKED

    s = services.with_clickhouse(settings.load())
    client = connect(s.clickhouse_dsn)
    try:
        migrate(client)
        found = summary(client, examples=examples)
    finally:
        client.close()
    if json:
        as_json(
            {
                **msgspec.to_builtins(found),
                "rules": [rule._asdict() for rule in found.rules],
                "examples": [
                    {**msgspec.to_builtins(one), "place": one.place._asdict()}
                    for one in found.examples
                ],
                "not_checked": NOT_CHECKED,
            }
        )
    else:
        _show(found, NOT_CHECKED)
    if found.decisions.get("disagreed"):
        sys.exit(NO)


def _show(found: Summary, not_checked: tuple[str, ...]) -> None:
    if found.rules:
        rows: list[list[Any]] = [list(rule) for rule in found.rules]
        table(_TITLE, ["rule 规则", "version", "agreed 一致", "disagreed 不一致", "skipped"], rows)
    agreed, disagreed = (found.decisions.get(k, 0) for k in ("agreed", "disagreed"))
    out.print(
        f"decisions: {agreed:,} agreed, {disagreed:,} disagreed, "
        f"{sum(found.skipped.values()):,} skipped; {found.derived:,} derived facts recomputed"
    )
    for what, counts in (("skipped 未查", found.skipped), ("parts not checked", found.unchecked)):
        for reason, count in counts.items():
            out.print(f"  {what}: {reason} {count:,}", markup=False)
    for one in found.examples:
        where = f", element {one.element}" if one.element else ""
        out.print(
            f"disagreement 不一致: {one.rule} v{one.version}, decision {one.decision_id}{where}: "
            f"recorded 记录 {one.recorded}; found 复算 {one.found}",
            markup=False,
        )
    for part in not_checked:
        say(f"an agreement does not say 未核查: {part}")


@verify.command()
def offline(
    file: Annotated[str, typer.Argument(help="NDJSON of decisions, or - for standard input.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON line a decision.")] = False,
) -> None:
    """Check every decision of a file, without Kafka and ClickHouse. 离线抽查。

    Derived facts are not looked at: the events are not there.
    """
    from yijian.verify.verifier import Verifier

    if file != "-" and not Path(file).is_file():
        fail(f"{file}: no such file", USAGE)
    verifier = Verifier(load_core(settings.load()).evaluator)
    results: Counter[str] = Counter()
    read = Reader(Decision)
    source = sys.stdin.buffer if file == "-" else Path(file).open("rb")  # noqa: SIM115
    with source:
        for number, line in enumerate(source, 1):
            try:
                decision = read(line)
            except msgspec.MsgspecError as e:
                fail(f"{file}:{number}: not a decision: {e}", USAGE)
            check = verifier.verify(decision)
            results[check.reason or check.result] += 1
            if json:
                as_json(msgspec.to_builtins(check))
                continue
            for d in check.disagreements:
                out.print(
                    f"{file}:{number}: {d.rule} v{d.version}, decision {check.decision_id}"
                    f"{f', element {d.element}' if d.element else ''}: "
                    f"recorded {d.recorded}; found {d.found}",
                    markup=False,
                )
    say(", ".join(f"{count:,} {name}" for name, count in sorted(results.items())) or "no decisions")
    if results["disagreed"]:
        sys.exit(NO)

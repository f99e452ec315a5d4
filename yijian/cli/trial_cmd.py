"""`yijian demo`, `yijian chaos`, `yijian audit`: seeing and trying the whole thing."""

from __future__ import annotations

import signal
from typing import Annotated

import msgspec
import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from contracts.clock import SystemClock
from yijian import audit as auditing
from yijian import chaos as chaotic
from yijian import demo as demonstration
from yijian import services, settings
from yijian.cli.console import NO, UNREACHABLE, as_json, err, fail, out, say, table
from yijian.composition import load_core
from yijian.drain import NotDrained
from yijian.stack import Size, Stack


def register(app: typer.Typer) -> None:
    app.command()(demo)
    app.command()(chaos)
    app.command()(audit)


def demo(
    events: Annotated[int | None, typer.Option(help="How many simulated events.")] = None,
    for_: Annotated[
        str | None, typer.Option("--for", help="How long to feed, such as 60s or 5m.")
    ] = None,
    rate: Annotated[float, typer.Option(help="Simulated events a second.")] = 1500.0,
    seed: Annotated[int, typer.Option(help="Another seed is another day.")] = 1,
    json: Annotated[
        bool, typer.Option("--json", help="The summary as one JSON line, last.")
    ] = False,
) -> None:
    """Start everything, watch simulated traffic being supervised, clean up. 演示。"""
    s = demonstration.demo_settings(settings.load())
    core = load_core(s)
    seconds = _seconds(for_) if for_ else None
    wish = demonstration.Wish(
        events=events if events is not None else (None if seconds else 20_000),
        seconds=seconds,
        rate=rate,
        seed=seed,
    )
    stopped: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: stopped.append(number))
    say(
        "DEMONSTRATION: the shipped rules are shadow rules nobody has signed; this profile "
        "treats them as active. 演示：随附规则均未经临床人员签署，仅在演示中视为生效。"
    )
    say("starting Kafka, ClickHouse, worker and sink … 启动服务")
    with Stack(s, core.knowledge, Size()) as stack, _bar() as bar:
        task = bar.add_task("events 事件", total=wish.events)
        try:
            summary = demonstration.run(
                settings=s,
                core=core,
                clock=SystemClock(),
                stack=stack,
                wish=wish,
                say=say,
                progress=lambda n: bar.update(task, completed=n),
                stop=lambda: bool(stopped),
            )
        except NotDrained as e:
            fail(f"{e}; the processes said last:\n{stack.complaints()}", UNREACHABLE)
    show(summary)
    if json:
        as_json(summary)
    if summary.complaint:
        fail(summary.complaint, NO)


def show(summary: demonstration.Summary) -> None:
    """The summary for people."""
    table(
        "Summary 汇总",
        ["", ""],
        [
            ["events 事件", f"{summary.events:,} (FHIR {summary.fhir_events:,})"],
            ["decisions 决定", f"{summary.decisions:,}"],
            ["alerts 告警", f"{summary.alerts:,}"],
            ["dead letters 死信", f"{summary.dead_letters:,}"],
            ["verdicts 结论", ", ".join(f"{k} {v:,}" for k, v in summary.verdicts.items())],
            ["not evaluable 未能评估", f"{summary.not_evaluable_share:.2%} of rule checks"],
            ["undetermined 适用性未知", f"{summary.undetermined_share:.2%} of rule checks"],
            ["event → alert", _ms(summary.latency_p50_ms, summary.latency_p99_ms)],
            ["event → row", _ms(summary.row_latency_p50_ms, summary.row_latency_p99_ms)],
            ["labels found 标注检出", f"{summary.labels_found} of {summary.labels_expected}"],
            ["false alerts 误报", f"{summary.false_alerts:,}"],
            ["lost 丢失", str(summary.lost)],
            ["duplicates 重复", str(summary.duplicates)],
            ["differences 差异", str(summary.differences)],
            ["out of order 乱序", str(summary.disorder)],
            ["not recomputed 未复算", str(summary.not_recomputed)],
            ["timers compared 计时器复核", str(summary.timers)],
            ["restarts 重启", f"{summary.restarts}"],
        ],
    )  # fmt: skip
    rules = summary.alerts_by_rule
    if rules:
        columns = list(rules[0])
        table("Alerts by rule 按规则", columns, [[r[c] for c in columns] for r in rules])
    if summary.indicators:
        columns = list(summary.indicators[0])
        table(
            "Indicators today 今日指标", columns,
            [[i[c] for c in columns] for i in summary.indicators],
        )  # fmt: skip
    out.print(
        "Labels and false alerts count simulated sources only: a regression check, "
        "not evidence of clinical quality. 标注与误报仅统计模拟数据，不代表临床质量。"
    )


def _ms(p50: float | None, p99: float | None) -> str:
    return "not measured 未测量" if p50 is None else f"p50 {p50:.0f} ms, p99 {p99:.0f} ms"


def chaos(
    events: Annotated[int, typer.Option(help="How many simulated events.")] = 200_000,
    rate: Annotated[float, typer.Option(help="Events a second.")] = 1000.0,
    seed: Annotated[int, typer.Option(help="Of events and of the moments of the kills.")] = 1,
) -> None:
    """Kill, freeze and move workers and sinks under load; the last line is JSON. 混沌测试。"""
    s = chaotic.quick(settings.load())
    plan = chaotic.Plan(events=events, rate=rate, seed=seed)
    outcome = chaotic.run(s, load_core(s), plan, say=say)
    as_json(outcome)
    if not outcome.passed:
        fail(outcome.complaint, NO)


def audit() -> None:
    """Count what is lost, twice or different, from Kafka's log against ClickHouse. 核对。"""
    s = services.with_clickhouse(services.with_kafka(settings.load()))
    figures = auditing.audit(s, load_core(s))
    as_json(msgspec.structs.asdict(figures))
    if not figures.passed:
        fail(figures.complaint, NO)


def _bar() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description} {task.completed:,}"),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    )


_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def _seconds(text: str) -> float:
    try:
        return float(text[:-1]) * _UNITS[text[-1]]
    except (KeyError, ValueError, IndexError):
        raise typer.BadParameter(f"{text!r} is no duration; expected such as 60s or 5m") from None

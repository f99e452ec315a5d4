"""`yijian worker`, `sink`, `supervise`, `migrate`, `rebuild`, `indicators`, `settings`."""

from __future__ import annotations

import sys
import time
from datetime import date
from typing import Annotated

import typer

from contracts.clock import SystemClock
from sinks import indicators as figures
from sinks.client import connect
from sinks.errors import SinkError
from sinks.rebuild import rebuild as rebuild_tables
from yijian import kafka_log, services, settings
from yijian.bundles.following import worker_rules
from yijian.cli.console import as_json, fail, logs, out, say, table
from yijian.composition import load_core, load_knowledge
from yijian.configs import sink_config, worker_config
from yijian.demo import figure_row
from yijian.drain import sink_topics
from yijian.rebuilding import CannotRebuild, rebuild_state
from yijian.stack import prepare_tables


def register(app: typer.Typer) -> None:
    for command in (worker, sink, supervise, migrate, rebuild, indicators):
        app.command()(command)
    app.command("settings")(show_settings)


def worker() -> None:
    """Run a worker: intake topics in, decisions, alerts and dead letters out. 规则引擎进程。"""
    from streams import worker as process

    s = services.with_kafka(settings.load())
    logs(s.log_level)
    sys.exit(process.run(worker_config(s), worker_rules(s)))


def sink() -> None:
    """Run a sink: topics in, ClickHouse rows out. 写入进程。"""
    from sinks import writer

    s = services.with_clickhouse(services.with_kafka(settings.load()))
    logs(s.log_level)
    sys.exit(writer.run(sink_config(s)))


def supervise(
    workers: Annotated[int, typer.Option(help="How many workers.")] = 1,
    sinks: Annotated[int, typer.Option(help="How many sinks.")] = 1,
) -> None:
    """Run workers and sinks, and start again what ends. 守护进程。

    A verifier too, where YIJIAN_VERIFY_SHARE is above 0.
    """
    from streams.supervise import run_forever

    s = services.with_clickhouse(services.with_kafka(settings.load()))
    logs(s.log_level)
    sys.exit(run_forever(_commands(s, workers, sinks)))


def _commands(
    s: settings.Settings, workers: int, sinks: int
) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Name to command and environment; each process gets the next port for its metrics."""
    commands: dict[str, tuple[list[str], dict[str, str]]] = {}
    verifiers = 1 if s.verify_share > 0 else 0
    for kind, count in (("worker", workers), ("sink", sinks), ("verify", verifiers)):
        host, _, port = str(getattr(s, f"{kind}_http")).rpartition(":")
        step = 10  # worker 9101, 9111, …; sink 9102, 9112, …; verify 9103
        for n in range(count):
            env = settings.child_environ(s)
            env[f"YIJIAN_{kind.upper()}_HTTP"] = f"{host}:{int(port) + step * n}"
            commands[f"{kind}-{n}"] = ([sys.executable, "-m", "yijian", kind], env)
    return commands


def migrate() -> None:
    """Bring ClickHouse's tables up to date. 更新表结构。"""
    s = services.with_clickhouse(settings.load())
    prepare_tables(s, load_knowledge(s))
    out.print("up to date 已更新")


def rebuild(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    state: Annotated[
        bool, typer.Option("--state", help="What is remembered too; workers must be stopped.")
    ] = False,
) -> None:
    """Empty the tables so that the sinks write them anew from Kafka's log. 重建。

    Running sinks notice and read anew. What Kafka no longer keeps cannot come back: the command
    asks before it empties tables while the log does not start at 0.

    With --state what is remembered is made anew first, by going through the order of record: the
    decisions stay as they are, and each is compared with what the order leads to.
    """
    s = services.with_clickhouse(services.with_kafka(settings.load()))
    gone = kafka_log.deleted(s, sink_topics(s))
    if gone:
        say(f"Kafka has deleted {gone:,} records that the rebuilt tables would lack 已删除的记录")
    if not yes:
        typer.confirm("Empty all tables and rebuild them from Kafka's log?", abort=True)
    if state:
        try:
            made = rebuild_state(s, load_core(s))
        except CannotRebuild as e:
            fail(str(e))
        out.print(f"{made.subjects:,} subjects are remembered anew 记忆已重建")
    client = connect(s.clickhouse_dsn)
    try:
        epoch = rebuild_tables(client)
    finally:
        client.close()
    out.print(
        f"tables are empty, epoch {epoch}; sinks fill them again 表已清空，写入进程将重新写入"
    )


def indicators(
    by: Annotated[str, typer.Option(help="Comma list of institution, department.")] = "institution",
    day: Annotated[
        str | None, typer.Option(help="YYYY-MM-DD, or two with a colon between.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Print again every 2 s.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON line a row.")] = False,
) -> None:
    """The six operating indicators, by default of today. 运行指标。"""
    s = services.with_clickhouse(settings.load())
    dimensions = tuple(word.strip() for word in by.split(",") if word.strip())
    client = connect(s.clickhouse_dsn)
    try:
        while True:
            if day is None:
                rows = figures.today(client, SystemClock().now(), by=dimensions)
            else:
                first, last = _days(day)
                rows = figures.query(client, None, first, last, by=(*dimensions, "day"))
            _print(rows, json)
            if not watch:
                return
            time.sleep(2)
    except KeyboardInterrupt:
        return
    except SinkError as e:
        fail(str(e), 2)
    finally:
        client.close()


def _print(found: list[figures.Figure], json: bool) -> None:
    rows = [figure_row(f) for f in found]
    if json:
        for row in rows:
            as_json(row)
        return
    if not rows:
        say("no figures for these days 该日无数据")
        return
    columns = list(rows[0])
    shown = [[str(r.get(c, "")) for c in columns] for r in rows]
    table(f"Indicators 运行指标 {SystemClock().now():%Y-%m-%d %H:%M:%S}Z", columns, shown)


def _days(text: str) -> tuple[date, date]:
    first, _, last = text.partition(":")
    try:
        return date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day; expected YYYY-MM-DD") from None


def show_settings() -> None:
    """Every setting with its present value and meaning. 设置。"""
    table("Settings 设置", ["variable", "value", "meaning"],
          [list(r) for r in settings.describe(settings.load())])  # fmt: skip

"""`yijian simulate`, `yijian import fhir`, `yijian dead-letters`: data in, and data refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, nullcontext
from datetime import date
from pathlib import Path
from typing import Annotated, BinaryIO
from zoneinfo import ZoneInfo

import typer

from contracts.clock import SystemClock
from gateway.errors import GatewayError
from gateway.fhir import Imported, ImportReport, import_bundles
from simulation.faults import cases_about
from simulation.feed import feed
from simulation.labels import recording_labels
from simulation.simulator import SimulatedEvent, Simulator
from sinks import dead_letters as letters
from sinks.client import connect
from yijian import services, settings
from yijian.cli.console import as_json, err, fail, out, say, table
from yijian.composition import load_core
from yijian.republish import republish

importer = typer.Typer(help="Data of other standards. 导入其他标准的数据。", no_args_is_help=True)
dead_letters = typer.Typer(help="Refused records. 死信。", no_args_is_help=True)

ZONE = "Asia/Shanghai"


def register(app: typer.Typer) -> None:
    app.command()(simulate)


def simulate(
    events: Annotated[int, typer.Option(help="How many events.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same events.")] = 1,
    patients: Annotated[int, typer.Option(help="How many patients share the visits.")] = 500,
    day: Annotated[
        str | None, typer.Option("--date", help="YYYY-MM-DD; today if left out.")
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Events a second into Kafka.")] = None,
    kafka: Annotated[bool, typer.Option("--kafka", help="Publish instead of printing.")] = False,
    labels: Annotated[Path | None, typer.Option(help="Where to write the labels, NDJSON.")] = None,
) -> None:
    """A day of several invented hospitals, with labelled faults. 模拟业务数据。"""
    s = settings.load()
    now = SystemClock().now().astimezone(ZoneInfo(ZONE))
    chosen = _day(day) if day else now.date()
    if chosen > now.date():
        fail(f"{chosen} lies in the future: intake refuses such events", 2)
    until = now if chosen == now.date() else None
    core = load_core(s)
    cases = cases_about({rule.id for rule in core.pack.rules})
    simulator = Simulator(core.knowledge, seed, patients, chosen, until=until, cases=cases)
    stream: Iterator[SimulatedEvent] = simulator.events(events)
    with labels.open("wb") if labels else nullcontext() as sidecar:
        if sidecar is not None:
            stream = recording_labels(stream, sidecar)
        if kafka:
            _publish(s, stream, rate)
        else:
            _print(sys.stdout.buffer, (event.bytes for event in stream))


def _print(target: BinaryIO, values: Iterator[bytes]) -> None:
    for value in values:
        target.write(value + b"\n")


def _publish(s: settings.Settings, stream: Iterator[SimulatedEvent], rate: float | None) -> None:
    s = services.with_kafka(s)
    report = feed(stream, s.kafka_bootstrap, s.topics, system=s.systems[0], rate=rate)
    say(f"{report.records:,} events in {report.seconds:.1f} s")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day; expected YYYY-MM-DD") from None


@importer.command("fhir")
def import_fhir(
    files: Annotated[list[Path], typer.Argument(help="R4 bundles (JSON) or bulk files (NDJSON).")],
    source: Annotated[str, typer.Option(help="The event source.")] = "urn:fhir:import",
    institution: Annotated[str, typer.Option(help="Id of the institution.")] = "fhir-import",
    zone: Annotated[str, typer.Option(help="Time zone of dates without an offset.")] = ZONE,
    kafka: Annotated[bool, typer.Option("--kafka", help="Publish instead of printing.")] = False,
    validate: Annotated[bool, typer.Option(help="Validate with the R4B models.")] = True,
    json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
) -> None:
    """FHIR R4 to events; the report says what became what and what was skipped. 导入 FHIR。"""
    report = ImportReport()

    def events() -> Iterator[Imported]:
        for outcome in import_bundles(files, source, zone, institution, validate=validate):
            report.add(outcome)
            if isinstance(outcome, Imported):
                yield outcome

    try:
        if kafka:
            s = services.with_kafka(settings.load())
            feed(events(), s.kafka_bootstrap, s.topics, system=s.systems[0])
        else:
            _print(sys.stdout.buffer, (event.bytes for event in events()))
    except GatewayError as e:
        fail(str(e), 2)
    _report(report, json)


def _report(report: ImportReport, json: bool) -> None:
    if json:
        err.print_json(data=report.as_dict())
        return
    for row in report.table():
        events = ", ".join(f"{k} {v}" for k, v in row.events.items()) or "-"
        skipped = ", ".join(f"{k.value} {v}" for k, v in row.skipped.items()) or "-"
        name = row.resource_type or "-"
        say(f"{name}: {row.resources} resources → {events}; skipped 跳过: {skipped}")
    for _, words, count in report.notes_table():
        say(f"{count} × {words.zh} {words.en}")


@dead_letters.command("list")
def list_letters(
    reason: Annotated[str | None, typer.Option(help="Only those with this reason.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="One JSON line each.")] = False,
) -> None:
    """What was refused, newest first; never their content. 列出。"""
    s = services.with_clickhouse(settings.load())
    with closing(connect(s.clickhouse_dsn)) as client:
        found = letters.listed(client, letters.Filter(reason=reason or ""), limit=limit)
    rows = [[_name(h), h.reason, h.path, h.detail, h.received_at.isoformat()] for h in found]
    columns = ["name", "reason", "path", "detail", "received_at"]
    if json:
        for row in rows:
            as_json(dict(zip(columns, row, strict=True)))
        return
    table("Dead letters 死信", columns, [list(row) for row in rows])


def _name(heading: letters.Heading) -> str:
    return f"{heading.topic}:{heading.partition}:{heading.offset}"


@dead_letters.command()
def show(name: Annotated[str, typer.Argument(help="topic:partition:offset")]) -> None:
    """One refused record as it was received, for whoever may read it. 查看。"""
    s = services.with_clickhouse(settings.load())
    with closing(connect(s.clickhouse_dsn)) as client:
        letter = letters.shown(client, *_position(name))
    if letter is None:
        fail(f"{name}: no such dead letter; `yijian dead-letters list` names them")
    say(f"{letter.heading.reason} at {letter.heading.path}: {letter.heading.detail}")
    sys.stdout.buffer.write((letter.value or b"") + b"\n")


@dead_letters.command()
def replay(
    name: Annotated[str, typer.Argument(help="topic:partition:offset")],
    corrected: Annotated[
        Path | None, typer.Option(help="The corrected event, instead of the refused bytes.")
    ] = None,
) -> None:
    """Send a refused record again, corrected or after the cause is gone. 重放。"""
    s = services.with_clickhouse(services.with_kafka(settings.load()))
    with closing(connect(s.clickhouse_dsn)) as client:
        letter = letters.shown(client, *_position(name))
    if letter is None:
        fail(f"{name}: no such dead letter; `yijian dead-letters list` names them")
    value = corrected.read_bytes().strip() if corrected else letter.value or b""
    problem = republish(s, letter, value)
    if problem:
        fail(f"not sent: {problem}")
    out.print("sent 已重放")


def _position(name: str) -> tuple[str, int, int]:
    try:
        topic, partition, offset = name.rsplit(":", 2)
        return topic, int(partition), int(offset)
    except ValueError:
        raise typer.BadParameter(f"{name!r}: expected topic:partition:offset") from None

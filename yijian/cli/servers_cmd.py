"""`yijian kafka`, `yijian clickhouse`, `yijian topics`: the servers of one machine, and topics."""

from __future__ import annotations

from typing import Annotated

import typer

import streams.broker as broker
from sinks import embedded
from sinks.errors import SinkError
from yijian import services, settings
from yijian.cli.console import UNREACHABLE, fail, out
from yijian.composition import topic_specs

kafka = typer.Typer(help="A Kafka on this machine. 本机 Kafka。", no_args_is_help=True)
clickhouse = typer.Typer(
    help="A ClickHouse on this machine. 本机 ClickHouse。", no_args_is_help=True
)
topics = typer.Typer(help="Kafka topics. 主题。", no_args_is_help=True)


@kafka.command("start")
def kafka_start(
    owner: Annotated[
        int | None, typer.Option(help="Process id after whose end the broker ends too.")
    ] = None,
) -> None:
    """Start a local Kafka, or name the one that runs."""
    s = settings.load()
    options = broker.DetachedOptions(cache_dir=s.cache_dir, java_home=s.java_home, owner_pid=owner)
    try:
        running = broker.start_detached(services.kafka_state(s), options)
    except broker.BrokerError as e:
        fail(str(e), UNREACHABLE)
    out.print(running.bootstrap)


@kafka.command("stop")
def kafka_stop() -> None:
    """Stop the local Kafka; its data stays."""
    try:
        stopped = broker.stop_detached(services.kafka_state(settings.load()))
    except broker.BrokerError as e:
        fail(str(e), UNREACHABLE)
    out.print("stopped 已停止" if stopped else "was not running 未运行")


@kafka.command("status")
def kafka_status() -> None:
    """Say whether the local Kafka runs, and where; exit 1 when it does not."""
    running = broker.status(services.kafka_state(settings.load()))
    if running is None:
        fail("not running 未运行")
    out.print(f"{running.bootstrap} pid {running.jvm.pid}")


@clickhouse.command("start")
def clickhouse_start() -> None:
    """Start the embedded ClickHouse, or name the one that runs."""
    try:
        running = embedded.start_detached(services.clickhouse_state(settings.load()))
    except SinkError as e:
        fail(str(e), UNREACHABLE)
    out.print(running.dsn)


@clickhouse.command("stop")
def clickhouse_stop() -> None:
    """Stop the embedded ClickHouse; its data stays."""
    try:
        stopped = embedded.stop_detached(services.clickhouse_state(settings.load()))
    except SinkError as e:
        fail(str(e), UNREACHABLE)
    out.print("stopped 已停止" if stopped else "was not running 未运行")


@clickhouse.command("status")
def clickhouse_status() -> None:
    """Say whether the embedded ClickHouse runs, and where; exit 1 when it does not."""
    running = embedded.status(services.clickhouse_state(settings.load()))
    if not running.running:
        fail("not running 未运行")
    out.print(f"{running.dsn} pid {running.pid} answering {running.answering}")


@topics.command("apply")
def topics_apply() -> None:
    """Create the topics and bring their settings up to date; never changes a partition count."""
    s = services.with_kafka(settings.load())
    try:
        changes = broker.apply_topics(
            s.kafka_bootstrap, topic_specs(s), client_config=s.kafka_options
        )
    except broker.BrokerError as e:
        fail(str(e), UNREACHABLE)
    for change in changes:
        out.print(str(change))
    if not changes:
        out.print("nothing to change 无需更改")

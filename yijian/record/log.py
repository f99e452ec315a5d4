"""The order of record in Kafka, one partition number after the other, so that memory suffices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from contracts.decision import Basis, OriginHeaders
from contracts.identity import EventKey
from yijian import kafka_log, registry
from yijian.bundles.by_basis import LoadBundle, from_topic
from yijian.composition import Core
from yijian.expected import Supervisors
from yijian.kafka_log import LogRecord, Origin
from yijian.record.order import order_of
from yijian.record.replay import Recomputed, Replay
from yijian.settings import Settings


def recompute(
    settings: Settings,
    core: Core,
    stored: Mapping[EventKey, Basis] | None = None,
    load_bundle: LoadBundle | None = None,
) -> Recomputed:
    """Every decision in the log made once more, in the order of record, by what it names.

    `core` is what decides where no bundle does; bundles come from the installation's topic.
    `stored` has the basis of decisions that the log does not keep any more. Let the worker finish
    before. Raises what reading Kafka raises.
    """
    found = Recomputed()
    for _, replay in replays(settings, core, stored, load_bundle):
        found = replay.found
    return found


def replays(
    settings: Settings,
    core: Core,
    stored: Mapping[EventKey, Basis] | None = None,
    load_bundle: LoadBundle | None = None,
) -> Iterator[tuple[int, Replay]]:
    """The same partition number by partition number: each when it was gone through."""
    activities = settings.topics.activities
    find_registry = registry.from_topic(settings)
    supervisors = Supervisors(settings, core, load_bundle or from_topic(settings), find_registry)
    replay = Replay(
        supervisors, stored or {}, settings.max_ahead_s, activities, settings.partitions
    )
    forwarded = (settings.topics.rekeyed, activities)
    topics = [*settings.topics.all_intake, *forwarded, settings.topics.decisions]
    bounds = kafka_log.bounds_of(settings, topics)
    for partition in range(settings.partitions):
        order = order_of(kafka_log.read(settings, [settings.topics.decisions], [partition], bounds))
        intake: list[LogRecord] = []
        elsewhere: dict[Origin, LogRecord] = {}
        for record in kafka_log.read(settings, topics[:-1], [partition], bounds):
            if record.topic == settings.topics.rekeyed:
                origin, home = at_home(record)
                elsewhere[origin] = elsewhere[record.place] = home  # by place for backfills
            elif record.topic == activities:
                elsewhere[record.place] = record
            else:
                intake.append(record)
        is_whole = not any(bounds[topic, partition].earliest for topic in topics)
        replay.partition(order, intake, elsewhere, number=partition, is_whole=is_whole)
        yield partition, replay


def at_home(record: LogRecord) -> tuple[Origin, LogRecord]:
    """A re-keyed record as its worker took it: with the time of the record that it comes from."""
    received_ms = int(dict(record.headers)[OriginHeaders.RECEIVED_MS])
    return record.origin, record._replace(timestamp_ms=received_ms)

"""What is remembered, made anew from the log: nothing of the old state is read.

Events are not decided again: their decisions stand in the log, and every table is made of them.
Taking them up once more from several topics would give another order, and with a past another order
gives other decisions. So the order of record is gone through (yijian.record), from nothing
remembered, each decision is compared with the one that stands there, and what is remembered at the
end is written. The workers' positions stay: they are where the order of record ends.

A timer that fired with nothing to say stands in the log as a lapse (contracts.lapse), so it does
not wait again. Only of a log from before lapses were noted nobody can tell: there it may wait as if
it had not fired, and the worker fires it at its next tick, by what is known then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from streams.state.rewriting import rewritten
from yijian import drain, kafka_log
from yijian.bundles.by_basis import LoadBundle
from yijian.composition import Core
from yijian.kafka_log import Origin
from yijian.record import replays
from yijian.record.replay import Rebuilt
from yijian.settings import Settings

_TIMEOUT_S: Final = 30.0


class CannotRebuild(Exception):
    """The state was not touched; the message says why, and what to do."""


@dataclass(frozen=True)
class Figures:
    """What was made anew."""

    subjects: int
    decisions: int


def rebuild_state(settings: Settings, core: Core, load_bundle: LoadBundle | None = None) -> Figures:
    """The state topic as the order of record leads to it. Workers must not run.

    Raises CannotRebuild, and what reading Kafka raises.
    """
    if settings.state == "off":
        raise CannotRebuild("YIJIAN_STATE is off: nothing is remembered")
    _nobody_works(settings)
    topics = settings.topics
    positions = drain.committed(settings, settings.worker_group, drain.worker_topics(settings))
    ends = kafka_log.ends(settings, [topics.decisions])
    found: dict[int, Rebuilt] = {}
    decisions = 0
    for number, replay in replays(settings, core, load_bundle=load_bundle):
        found[number] = _whole(number, replay.rebuilt)
        _same([*replay.found.differing, *replay.found.unfired])
        decisions = replay.found.decisions
    _nobody_works(settings)
    producer = _producer(settings)
    subjects = 0
    for number, rebuilt in found.items():
        old = {
            record.key
            for record in kafka_log.read(settings, [topics.state], [number])
            if record.key is not None
        }
        own = {topic: at for (topic, n), at in positions.items() if n == number and at > 0}
        covered = ends[topics.decisions, number] - 1
        past = rebuilt.past
        subjects += len(past)
        for key, value in rewritten(
            past.values, past.coverage, past.clocks, own, covered, sorted(old)
        ):
            _write(producer, topics.state, number, key, value)
    if producer.flush(_TIMEOUT_S):
        raise CannotRebuild("the broker did not take the state within 30 s; run it again")
    return Figures(subjects, decisions)


def _whole(number: int, rebuilt: Rebuilt) -> Rebuilt:
    if rebuilt.why:
        raise CannotRebuild(
            f"partition {number}: the past cannot be gone through ({rebuilt.why}); the state is "
            "as it was. Kafka must have everything from the beginning, and every bundle and file "
            "that decided must be to be had"
        )
    return rebuilt


def _same(differing: list[Origin]) -> None:
    if differing:
        topic, partition, offset = differing[0]
        raise CannotRebuild(
            f"{len(differing)} decisions or timers are not what their order leads to, the first is "
            f"{topic}[{partition}]@{offset}; the state is as it was. Run `yijian audit`"
        )


def _nobody_works(settings: Settings) -> None:
    admin = AdminClient({**settings.kafka_options, "bootstrap.servers": settings.kafka_bootstrap})
    groups = admin.describe_consumer_groups([settings.worker_group])
    members = groups[settings.worker_group].result(timeout=_TIMEOUT_S).members
    if members:
        raise CannotRebuild(
            f"{len(members)} workers of {settings.worker_group} run; stop them first, they would "
            "write over what is written here"
        )


def _producer(settings: Settings) -> Producer:
    return Producer(
        {
            "enable.idempotence": True,
            **settings.kafka_options,
            "bootstrap.servers": settings.kafka_bootstrap,
            "message.max.bytes": settings.output_max_bytes,
        }
    )


def _write(producer: Producer, topic: str, number: int, key: bytes, value: bytes | None) -> None:
    def report(error: Any, message: Any) -> None:
        if error is not None:
            raise CannotRebuild(f"the broker refused a record of {topic}: {error.str()}")

    while True:
        try:
            producer.produce(topic, value, key, number, on_delivery=report)
        except BufferError:
            producer.poll(0.1)
            continue
        producer.poll(0)
        return

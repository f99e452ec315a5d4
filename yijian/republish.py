"""A refused record goes to its intake topic again, if the contract accepts it now."""

from __future__ import annotations

from confluent_kafka import Producer

from contracts.event import family_of
from contracts.intake import Rejected, decode
from simulation.feed import PRODUCER_SETTINGS
from sinks.dead_letters import Letter
from yijian.settings import Settings

_FLUSH_S = 30.0


def republish(settings: Settings, letter: Letter, value: bytes) -> str:
    """ "" when the broker confirmed the record, else why it was not sent.

    The key is made anew from the subject: a wrong key is one of the things a replay corrects.
    """
    answer = decode(value)
    if isinstance(answer, Rejected):
        return f"{answer.reason} at {answer.path}: {answer.detail}"
    event = answer.event
    systems = [s for s in settings.systems if letter.heading.topic.endswith(f".{s}.v1")]
    topic = settings.topics.intake(family_of(event.type), (systems or list(settings.systems))[0])
    failures: list[str] = []
    producer = Producer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            **PRODUCER_SETTINGS,
            **settings.kafka_options,
        }
    )
    producer.produce(
        topic,
        value,
        event.subject.encode(),
        on_delivery=lambda error, _: failures.append(error.str()) if error else None,
    )
    if producer.flush(_FLUSH_S):
        return f"the broker did not confirm within {_FLUSH_S:.0f} s"
    return failures[0] if failures else ""

"""One way to make an administrative client, and to wait for what it asked."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Final, TypeVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.broker.errors import TopicError

REQUEST_TIMEOUT_S: Final = 30.0

T = TypeVar("T")


def admin_client(bootstrap: str, client_config: Mapping[str, str] | None = None) -> AdminClient:
    """A client for `bootstrap`; `client_config` adds what a secured broker asks for.

    Keep it in a variable while its answers are awaited: collected, it drops its requests.
    """
    # librdkafka writes connection failures to stderr on its own; callers get them as errors.
    return AdminClient({"log_level": 0, **(client_config or {}), "bootstrap.servers": bootstrap})


def result_of(future: Future[T], what: str) -> T:
    """What `future` brings, or a TopicError that says what was being done."""
    try:
        return future.result(REQUEST_TIMEOUT_S)
    except KafkaException as error:
        raise TopicError(f"{what} failed: {error.args[0].str()}") from error
    except TimeoutError as error:
        raise TopicError(
            f"{what}: the broker gave no answer in {REQUEST_TIMEOUT_S:.0f} s"
        ) from error

"""Kafka for integration tests: one broker a session, one topic prefix a test.

`YIJIAN_KAFKA_BOOTSTRAP` names a broker that runs already; otherwise one is started, its jars kept
in `YIJIAN_CACHE_DIR` (the user's cache by default).
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from streams.broker import LocalKafka


class Kafka(Protocol):
    """What a test may rely on: the address. A LocalKafka has more, another broker has not."""

    @property
    def bootstrap(self) -> str: ...


@dataclass(frozen=True)
class ForeignKafka:
    """A broker somebody else runs."""

    bootstrap: str


@pytest.fixture(scope="session")
def kafka_cache_dir() -> Path:
    """Where Kafka's jars are kept between test runs."""
    folder = os.environ.get("YIJIAN_CACHE_DIR")
    return Path(folder) if folder else Path.home() / ".cache" / "yijian"


@pytest.fixture(scope="session")
def kafka(kafka_cache_dir: Path) -> Iterator[Kafka]:
    """The session's broker; a test that restarts or kills one starts its own LocalKafka."""
    if foreign := os.environ.get("YIJIAN_KAFKA_BOOTSTRAP"):
        yield ForeignKafka(foreign)
        return
    with LocalKafka(kafka_cache_dir) as local:
        yield local


@pytest.fixture
def topic_prefix() -> str:
    """A prefix no other test uses, for topics and consumer groups."""
    return f"t{uuid.uuid4().hex[:12]}"

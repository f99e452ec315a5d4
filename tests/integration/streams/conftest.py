"""One installation a test: its own topics, group and log folder on the session's broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.streams_worker import Installation


@pytest.fixture
def installation(kafka: object, topic_prefix: str, tmp_path: Path) -> Installation:
    return Installation(kafka.bootstrap, topic_prefix, tmp_path)  # type: ignore[attr-defined]

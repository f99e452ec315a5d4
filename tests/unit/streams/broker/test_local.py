from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from streams.broker import BrokerStartError, JarsError, LocalKafka, ahead


def test_a_broker_that_was_not_started_has_no_address_and_stops_at_once(tmp_path: Path) -> None:
    local = LocalKafka(tmp_path)
    assert not local.running
    for attribute in ("bootstrap", "pid", "log_file"):
        with pytest.raises(BrokerStartError, match=r"call start\(\) first"):
            getattr(local, attribute)
    local.stop()


def test_nothing_is_left_behind_when_the_jars_cannot_be_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(_cache_dir: Path) -> tuple[Path, ...]:
        raise JarsError("no network")

    monkeypatch.setattr(ahead, "kafka_classpath", no_network)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(JarsError, match="no network"), LocalKafka(tmp_path / "cache"):
        pass
    assert list(tmp_path.iterdir()) == []

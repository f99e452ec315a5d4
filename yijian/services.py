"""Where Kafka and ClickHouse are: as settings say, else the local ones that are running."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import streams.broker as broker
from sinks import embedded
from yijian.settings import SettingError, Settings


def kafka_state(settings: Settings) -> Path:
    """Folder of the local Kafka that `yijian kafka start` runs."""
    return settings.cache_dir / "kafka"


def clickhouse_state(settings: Settings) -> Path:
    """Folder of the embedded ClickHouse that `yijian clickhouse start` runs."""
    return settings.cache_dir / "clickhouse"


def with_kafka(settings: Settings) -> Settings:
    """Settings that name a broker: as given, else the local one. Raises SettingError."""
    if settings.kafka_bootstrap:
        return settings
    running = broker.status(kafka_state(settings))
    if running is None:
        raise SettingError(
            "no Kafka: set YIJIAN_KAFKA_BOOTSTRAP, or start a local one with `yijian kafka start`"
        )
    return replace(settings, kafka_bootstrap=running.bootstrap)


def with_clickhouse(settings: Settings) -> Settings:
    """Settings that name a ClickHouse: as given, else the embedded one. Raises SettingError."""
    if settings.clickhouse_dsn:
        return settings
    running = embedded.status(clickhouse_state(settings))
    if running.dsn is None:
        raise SettingError(
            "no ClickHouse: set YIJIAN_CLICKHOUSE_DSN, or start the embedded one with "
            "`yijian clickhouse start`"
        )
    return replace(settings, clickhouse_dsn=running.dsn)

"""All settings, read once from the environment. Nothing else in the product reads it.

Every setting has a default that suits one machine; `yijian settings` prints them with their
meaning, and a value that cannot be used is an error that names the variable.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from contracts.bundle import is_channel
from contracts.topics import Topics
from rules.engine.engines import ENGINES

PREFIX: Final = "YIJIAN_"


class SettingError(ValueError):
    """A variable holds what cannot be used; the message says which, what and what is expected."""


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e9:
        raise ValueError
    return number


def _span(text: str) -> float:
    number = float(text)
    if not 0 <= number < 1e9:
        raise ValueError
    return number


def _paths(text: str) -> tuple[Path, ...]:
    return tuple(Path(p).expanduser() for p in text.split(os.pathsep) if p)


def _words(text: str) -> tuple[str, ...]:
    words = tuple(w.strip() for w in text.split(",") if w.strip())
    if not words:
        raise ValueError
    return words


def _profile(text: str) -> str:
    if text not in ("site", "demo"):
        raise ValueError
    return text


def _engine(text: str) -> str:
    if text not in ENGINES:
        raise ValueError
    return text


def _switch(text: str) -> str:
    if text not in ("on", "off"):
        raise ValueError
    return text


def _store(text: str) -> str:
    if text not in ("memory", "rocksdb"):
        raise ValueError
    return text


def _channel(text: str) -> str:
    if not is_channel(text):
        raise ValueError
    return text


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 100:
        raise ValueError
    return number


def _pairs(text: str) -> dict[str, str]:
    """`key=value` pairs separated by semicolons."""
    return dict(_pair(p) for p in text.split(";") if p.strip())


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ValueError
    return name.strip(), value.strip()


def _setting(default: Any, parse: Callable[[str], Any], says: str, secret: bool = False) -> Any:
    metadata = {"parse": parse, "says": says, "secret": secret}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One installation's settings. Field `x_y` is the variable `YIJIAN_X_Y`."""

    kafka_bootstrap: str = _setting(
        "",
        str,
        "brokers, host:port[,…]; empty: the one of `yijian kafka start`; demo and tests start one",
    )
    kafka_options: dict[str, str] = _setting(
        dict, _pairs, "librdkafka options for security, `key=value;…`", secret=True
    )
    clickhouse_dsn: str = _setting(
        "", str, "clickhouse://user:password@host:port/database; empty: the embedded engine",
        secret=True,
    )  # fmt: skip
    cache_dir: Path = _setting(
        lambda: Path("~/.cache/yijian").expanduser(),
        lambda text: Path(text).expanduser(),
        "where local servers keep programs and data",
    )
    java_home: Path | None = _setting(
        None, Path, "a Java 17 or newer for the local Kafka, instead of the one from PyPI"
    )
    profile: str = _setting("site", _profile, "`site`, or `demo`: shadow rules count as active")
    knowledge: tuple[Path, ...] = _setting(
        (),
        _paths,
        "folders of knowledge, besides what is shipped but for its demonstration catalogue",
    )
    packs: tuple[Path, ...] = _setting((), _paths, "folders of rules, instead of the shipped packs")
    rules_engine: str = _setting(
        "compiled", _engine, "what decides rules: `compiled`, or `durable` (durable_rules)"
    )
    state: str = _setting(
        "on", _switch, "`on`: patients are remembered; `off`: each event is judged by itself"
    )
    state_live: int = _setting(
        20_000, _positive, "memories of one partition that a worker keeps open; all lie as bytes"
    )
    state_store: str = _setting(
        "memory", _store, "where memories lie as bytes: `memory`, or `rocksdb` (rocksdict) where "
        "they are too many; read back from the topic either way",
    )  # fmt: skip
    state_folder: Path | None = _setting(
        None,
        lambda text: Path(text).expanduser(),
        "where RocksDB keeps them; by default in the cache folder",
    )
    lateness_s: float = _setting(
        0.0, _span, "how long post-event rules that look back wait for late events; 0: not at all"
    )
    verify_share: float = _setting(
        0.0, _share, "percentage of decisions that `yijian verify` recomputes; 0: it is not started"
    )
    verify_group: str = _setting("yijian-verify", str, "consumer group of the verifiers")
    verify_http: str = _setting("127.0.0.1:9103", str, "verifier's health and metrics, host:port")
    bundle_keys: tuple[Path, ...] = _setting(
        (), _paths, "trusted public keys, files or folders: rules come as signed bundles; empty: "
        "from files only",
    )  # fmt: skip
    bundle_key: Path | None = _setting(
        None, lambda text: Path(text).expanduser(), "private key that signs what is published"
    )
    bundle_channel: str = _setting("main", _channel, "whose bundles to follow and to publish")
    topic_prefix: str = _setting("yijian", str, "first word of all topics")
    systems: tuple[str, ...] = _setting(("his",), _words, "source systems, each with its topics")
    partitions: int = _setting(4, _positive, "partitions of every topic; it can never be changed")
    replication: int = _setting(1, _positive, "copies of every topic")
    retention_days: float = _setting(7.0, _seconds, "how long topics keep records, in days")
    intake_max_bytes: int = _setting(1_000_000, _positive, "largest intake record")
    output_max_bytes: int = _setting(8_000_000, _positive, "largest decision, alert or dead letter")
    worker_group: str = _setting("yijian-worker", str, "consumer group of the workers")
    sink_group: str = _setting("yijian-sink", str, "consumer group of the sinks")
    session_timeout_s: float = _setting(
        8.0, _seconds, "after how long a silent worker or sink loses its partitions"
    )
    commit_interval_s: float = _setting(
        0.5, _seconds, "how often acknowledged offsets are committed"
    )
    max_ahead_s: float = _setting(
        300.0, _seconds, "how far an event's time may lie ahead of the broker's clock"
    )
    batch_records: int = _setting(4000, _positive, "most records a worker takes at once")
    worker_http: str = _setting("127.0.0.1:9101", str, "worker's health and metrics, host:port")
    sink_http: str = _setting("127.0.0.1:9102", str, "sink's health and metrics, host:port")
    switch_interval_s: float = _setting(
        0.005, _seconds, "how long a thread of the worker keeps the interpreter"
    )
    log_level: str = _setting("INFO", str.upper, "DEBUG, INFO, WARNING or ERROR")

    @property
    def topics(self) -> Topics:
        return Topics(self.topic_prefix, self.systems)


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of an environment, by default this process's. Raises SettingError.

    `JAVA_HOME` is honoured as YIJIAN_JAVA_HOME where the latter is not set.
    """
    env = os.environ if environ is None else environ
    known = {PREFIX + f.name.upper(): f for f in fields(Settings)}
    for name in env:
        if name.startswith(PREFIX) and name not in known and name not in NOT_SETTINGS:
            raise SettingError(f"{name} is no setting; `yijian settings` lists them")
    values: dict[str, Any] = {}
    for name, setting in known.items():
        text = env.get(name, "")
        if text == "":
            continue
        try:
            values[setting.name] = setting.metadata["parse"](text)
        except ValueError:
            raise SettingError(
                f"{name} holds what cannot be used; expected: {setting.metadata['says']}"
            ) from None
    if "java_home" not in values and env.get("JAVA_HOME"):
        values["java_home"] = Path(env["JAVA_HOME"])
    return Settings(**values)


NOT_SETTINGS: Final = frozenset({"YIJIAN_SHARED_DATA"})
"""Variables of ours that only tests read."""


def as_environ(settings: Settings) -> dict[str, str]:
    """The variables that give a child process these settings."""
    out: dict[str, str] = {}
    for f in fields(Settings):
        value = getattr(settings, f.name)
        if value is None or value == "" or value == () or value == {}:
            continue
        name = PREFIX + f.name.upper()
        if isinstance(value, dict):
            out[name] = ";".join(f"{k}={v}" for k, v in value.items())
        elif isinstance(value, tuple):
            sep = os.pathsep if isinstance(value[0], Path) else ","
            out[name] = sep.join(str(v) for v in value)
        else:
            out[name] = str(value)
    return out


def child_environ(settings: Settings) -> dict[str, str]:
    """This process's environment with these settings instead of its own."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
    return env | as_environ(settings)


def describe(settings: Settings) -> list[tuple[str, str, str]]:
    """(variable, value, meaning) of every setting; secrets are masked."""
    rows = []
    values = as_environ(settings)
    for f in fields(Settings):
        name = PREFIX + f.name.upper()
        value = values.get(name, "")
        if f.metadata["secret"] and value:
            value = "•••"
        rows.append((name, value, f.metadata["says"]))
    return rows

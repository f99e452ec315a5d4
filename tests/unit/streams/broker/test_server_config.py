from __future__ import annotations

from pathlib import Path

import pytest

from streams.broker.errors import BrokerStartError
from streams.broker.files import tail, write_atomically
from streams.broker.ports import free_ports, is_free, is_listening
from streams.broker.server_config import JvmSettings, Ports, kafka_command, server_properties
from streams.broker.storage import ensure_formatted, new_kafka_id

PORTS = Ports(broker=20001, controller=20002)


def lines_of(extra: dict[str, str], data_dir: str = "/data") -> list[str]:
    return server_properties(PORTS, Path(data_dir), extra).splitlines()


def test_the_broker_listens_on_loopback_only() -> None:
    lines = lines_of({})
    assert "listeners=BROKER://127.0.0.1:20001,CONTROLLER://127.0.0.1:20002" in lines
    assert "advertised.listeners=BROKER://127.0.0.1:20001" in lines


def test_extra_properties_have_the_last_word() -> None:
    lines = lines_of({"num.io.threads": "9"})
    assert [line for line in lines if line.startswith("num.io.threads")] == ["num.io.threads=9"]


def test_a_folder_may_have_a_chinese_name() -> None:
    assert "log.dirs=/data/\\u533b\\u76d1" in lines_of({}, "/data/医监")


def test_a_backslash_is_not_taken_for_an_escape() -> None:
    assert "log.dirs=/data/a\\\\b" in lines_of({}, "/data/a\\b")


@pytest.mark.parametrize("only", [True, False])
def test_the_second_compiler_is_left_out_unless_wanted(only: bool) -> None:
    settings = JvmSettings(heap_mb=300, tiered_compilation_only=only)
    command = kafka_command(Path("java"), [Path("a.jar"), Path("b.jar")], settings, Path("s.p"))
    assert ("-XX:TieredStopAtLevel=1" in command) is only
    assert "-Xmx300m" in command
    assert "a.jar:b.jar" in command
    assert command[-2:] == ["kafka.Kafka", "s.p"]


def test_kafka_ids_are_what_kafkas_tools_take() -> None:
    ids = {new_kafka_id() for _ in range(500)}
    assert len(ids) == 500
    assert all(len(kafka_id) == 22 and not kafka_id.startswith("-") for kafka_id in ids)


def test_a_data_folder_keeps_its_cluster_id_without_any_java(tmp_path: Path) -> None:
    (tmp_path / "meta.properties").write_text("version=1\ncluster.id=abc\nnode.id=1\n")
    assert ensure_formatted(tmp_path, tmp_path, Path("no-java"), []) == "abc"


def test_copies_of_the_template_are_clusters_of_their_own(tmp_path: Path) -> None:
    template = tmp_path / "cache" / "kafka" / "formatted-4.1.0"
    template.mkdir(parents=True)
    (template / "bootstrap.checkpoint").write_bytes(b"features")
    (template / "meta.properties").write_text("version=1\ncluster.id=abc\ndirectory.id=def\n")
    ids = {
        ensure_formatted(tmp_path / name, tmp_path / "cache", Path("no-java"), [])
        for name in ("one", "two")
    }
    assert len(ids) == 2
    assert "abc" not in ids
    assert (tmp_path / "one" / "bootstrap.checkpoint").read_bytes() == b"features"


def test_a_damaged_data_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "meta.properties").write_text("version=1\n")
    with pytest.raises(BrokerStartError, match=r"meta.properties has no cluster.id"):
        ensure_formatted(tmp_path, tmp_path, Path("no-java"), [])


def test_ports_are_free_and_never_those_of_outgoing_connections() -> None:
    ports = free_ports()
    assert ports.broker != ports.controller
    assert max(ports.broker, ports.controller) < 32768
    assert is_free(ports.broker)
    assert not is_listening(ports.broker)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "state.json"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "new \ud800")
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_the_end_of_a_log_is_shown_even_when_there_is_none(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert tail(log) == "(no log was written)"
    log.write_bytes(b"")
    assert tail(log) == "(the log is empty)"
    log.write_bytes(b"one\ntwo\n\xff three\n")
    assert tail(log, lines=2) == "two\n\ufffd three"

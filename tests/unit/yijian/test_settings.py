"""Settings come from one place, and what cannot be used is named."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from yijian import settings
from yijian.settings import SettingError

ROOT = Path(settings.__file__).parents[1]


def test_every_setting_survives_the_way_to_a_child_process() -> None:
    one = settings.load(
        {
            "YIJIAN_KAFKA_BOOTSTRAP": "a:1,b:2",
            "YIJIAN_KAFKA_OPTIONS": "security.protocol=SSL;ssl.ca.location=/ca",
            "YIJIAN_SYSTEMS": "his,lis",
            "YIJIAN_PACKS": "/one:/two",
            "YIJIAN_SESSION_TIMEOUT_S": "6.5",
        }
    )
    assert settings.load(settings.as_environ(one)) == one
    assert one.kafka_options == {"security.protocol": "SSL", "ssl.ca.location": "/ca"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("YIJIAN_PARTITIONS", "0"),
        ("YIJIAN_PARTITIONS", "four"),
        ("YIJIAN_PROFILE", "test"),
        ("YIJIAN_SYSTEMS", ","),
        ("YIJIAN_KAFKA_OPTIONS", "security.protocol"),
        ("YIJIAN_SESSION_TIMEOUT_S", "nan"),
    ],
)
def test_a_value_that_cannot_be_used_is_an_error_that_names_the_variable(
    name: str, value: str
) -> None:
    with pytest.raises(SettingError, match=name):
        settings.load({name: value})


def test_a_misspelt_variable_is_an_error() -> None:
    with pytest.raises(SettingError, match="YIJIAN_KAFKA_BOTSTRAP"):
        settings.load({"YIJIAN_KAFKA_BOTSTRAP": "a:1"})


def test_java_home_is_honoured_unless_ours_is_set() -> None:
    assert settings.load({"JAVA_HOME": "/j"}).java_home == Path("/j")
    both = {"JAVA_HOME": "/j", "YIJIAN_JAVA_HOME": "/ours"}
    assert settings.load(both).java_home == Path("/ours")


def test_secrets_are_masked_where_settings_are_shown() -> None:
    one = settings.load({"YIJIAN_CLICKHOUSE_DSN": "clickhouse://u:hunter2@h:1/d"})
    assert "hunter2" not in str(settings.describe(one))


def _modules() -> list[Path]:
    rooms = [
        "contracts",
        "knowledge_base",
        "rules",
        "streams",
        "sinks",
        "gateway",
        "simulation",
        "yijian",
    ]
    return [p for room in rooms for p in (ROOT / room).rglob("*.py")]


def test_only_settings_read_the_environment() -> None:
    readers = [
        p.relative_to(ROOT).as_posix()
        for p in _modules()
        for node in ast.walk(ast.parse(p.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in ("environ", "getenv", "environb")
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    ]
    assert set(readers) <= {"yijian/settings.py"}


_WALL_CLOCK = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow"),
               ("datetime", "today"), ("date", "today")}  # fmt: skip


def test_only_the_clock_reads_the_wall_clock() -> None:
    readers = {
        p.relative_to(ROOT).as_posix()
        for p in _modules()
        for node in ast.walk(ast.parse(p.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in _WALL_CLOCK
    }
    assert readers <= {"contracts/clock.py"}

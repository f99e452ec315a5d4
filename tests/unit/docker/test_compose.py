"""compose.yaml cannot be run here, so everything about it that can be wrong on paper is checked."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
import yaml

from streams.broker.jars import KAFKA_VERSION
from yijian.settings import PREFIX, Settings

CHECKOUT = Path(__file__).resolve().parents[3]
DOCKER = CHECKOUT / "docker"
OURS = ("topics", "migrate", "worker", "sink", "verify")
SERVERS = ("worker", "sink", "verify")
KEYS = "./keys:/etc/yijian/keys:ro"
ONE_SHOT = ("topics", "migrate")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))
    return loaded


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = compose["services"]
    return found


@pytest.fixture(scope="module")
def examples() -> dict[str, str]:
    lines = (DOCKER / ".env.example").read_text("utf-8").splitlines()
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {name: value for name, _, value in pairs}


def seconds(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(ms|s|m)", text).groups()
    return float(number) * {"ms": 0.001, "s": 1, "m": 60}[unit]


def test_the_file_is_valid_against_the_compose_schema(compose: dict[str, Any]) -> None:
    # Read as a file: the schema's package is a command line, not a library.
    name = "check_jsonschema/builtin_schemas/vendor/compose-spec.json"
    path = distribution("check-jsonschema").locate_file(name)
    schema = json.loads(Path(str(path)).read_text("utf-8"))
    jsonschema.validators.validator_for(schema)(schema).validate(compose)


def test_every_variable_of_ours_is_a_setting(
    services: dict[str, Any], examples: dict[str, str]
) -> None:
    known = {PREFIX + f.name.upper() for f in fields(Settings)}
    used = {name for s in services.values() for name in s["environment"]} | set(examples)
    text = (DOCKER / "Dockerfile").read_text("utf-8")
    used |= set(re.findall(r"\bYIJIAN_[A-Z_]+", text))
    assert {name for name in used if name.startswith(PREFIX)} <= known


def test_every_value_can_be_used(services: dict[str, Any]) -> None:
    from yijian.settings import load

    for name in OURS:
        given = {k: resolved(v) for k, v in services[name]["environment"].items()}
        settings = load(given)
        assert settings.kafka_bootstrap == "kafka:9092"
        assert settings.clickhouse_dsn == "clickhouse://yijian:secret@clickhouse:8123/yijian"


def resolved(value: str) -> str:
    """The value as Compose would interpolate it with nothing but the password set."""
    with_defaults = re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", value)
    return re.sub(r"\$\{CLICKHOUSE_PASSWORD:\?[^}]*\}", "secret", with_defaults)


def test_every_variable_that_is_interpolated_stands_in_the_example(
    compose: dict[str, Any], examples: dict[str, str]
) -> None:
    used = set(re.findall(r"\$\{([A-Z_]+)", json.dumps(compose)))
    assert used == set(examples)


def test_no_secret_has_a_value_and_env_files_are_not_committed(examples: dict[str, str]) -> None:
    secrets = [name for name in examples if "PASSWORD" in name or "SECRET" in name]
    assert secrets == ["CLICKHOUSE_PASSWORD"]
    assert examples["CLICKHOUSE_PASSWORD"] == ""
    assert ".env" in (DOCKER / ".gitignore").read_text("utf-8").split()


def test_every_command_is_a_command_of_the_program(services: dict[str, Any]) -> None:
    from yijian.cli import app

    root: Any = typer.main.get_command(app)
    for name in OURS:
        node = root
        for word in services[name]["command"]:
            node = node.commands[word]
        runs_alone = getattr(node, "invoke_without_command", False)
        assert runs_alone or not hasattr(node, "commands"), f"{name}: a group, not a command"


def test_our_containers_are_confined(services: dict[str, Any]) -> None:
    for name in OURS:
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["tmpfs"] == ["/tmp:mode=1777,size=256m"]
        assert "ports" not in service


def test_every_container_is_limited_and_comes_back(services: dict[str, Any]) -> None:
    for name, service in services.items():
        limits = service["deploy"]["resources"]["limits"]
        assert set(limits) == {"cpus", "memory"}
        assert service["restart"] == ("no" if name in ONE_SHOT else "unless-stopped")
        assert service["logging"]["options"]["max-size"]


def test_nothing_is_published_beyond_loopback_by_default(services: dict[str, Any]) -> None:
    published = [p for s in services.values() for p in s.get("ports", [])]
    assert [resolved(p) for p in published] == ["127.0.0.1:9094:9094"]


def test_processes_wait_for_what_they_need(services: dict[str, Any]) -> None:
    def needs(name: str) -> dict[str, str]:
        return {k: v["condition"] for k, v in services[name]["depends_on"].items()}

    done, healthy = "service_completed_successfully", "service_healthy"
    assert needs("topics") == {"kafka": healthy}
    assert needs("migrate") == {"clickhouse": healthy}
    assert needs("worker") == {"kafka": healthy, "topics": done}
    for name in ("sink", "verify"):
        assert needs(name) == {
            "kafka": healthy, "clickhouse": healthy, "topics": done, "migrate": done,
        }  # fmt: skip


def test_the_verifier_is_started_only_on_request_and_then_verifies(
    services: dict[str, Any],
) -> None:
    from yijian.settings import load

    assert [name for name, service in services.items() if "profiles" in service] == ["verify"]
    assert services["verify"]["build"]["target"] == "verify"
    assert services["verify"]["image"] != services["worker"]["image"]
    environment = services["verify"]["environment"]
    assert load({k: resolved(v) for k, v in environment.items()}).verify_share > 0


def test_rules_come_from_files_until_keys_are_named_where_they_are_mounted(
    services: dict[str, Any],
) -> None:
    from yijian.settings import load

    for name in SERVERS:
        assert services[name]["volumes"] == [KEYS]
        environment = services[name]["environment"]
        assert load({k: resolved(v) for k, v in environment.items()}).bundle_keys == ()
    mounted = KEYS.split(":")[1]
    assert f"YIJIAN_BUNDLE_KEYS={mounted}" in (DOCKER / "README.md").read_text("utf-8")


def test_health_checks_ask_where_the_process_listens(services: dict[str, Any]) -> None:
    image_check = (DOCKER / "Dockerfile").read_text("utf-8")
    checks = {
        "worker": image_check,
        "sink": str(services["sink"]["healthcheck"]["test"]),
        "verify": image_check,
    }
    for name, check in checks.items():
        service = services[name]
        port = service["environment"][f"YIJIAN_{name.upper()}_HTTP"].rpartition(":")[2]
        assert f"http://127.0.0.1:{port}/health" in check
        assert service["expose"] == [port]
    for name in ("kafka", "clickhouse"):
        check = services[name]["healthcheck"]
        assert check["test"][0] == "CMD"
        assert seconds(check["timeout"]) <= seconds(check["interval"])


def test_processes_get_time_to_drain(services: dict[str, Any]) -> None:
    session_s = Settings().session_timeout_s
    for name in SERVERS:
        assert seconds(services[name]["stop_grace_period"]) > 2 * session_s


def test_data_lives_in_declared_volumes(compose: dict[str, Any], services: dict[str, Any]) -> None:
    used = {v.partition(":")[0] for s in services.values() for v in s.get("volumes", [])}
    assert used - {KEYS.partition(":")[0]} == set(compose["volumes"])
    assert services["kafka"]["environment"]["KAFKA_LOG_DIRS"] == "/var/lib/kafka/data"
    assert "kafka-data:/var/lib/kafka/data" in services["kafka"]["volumes"]


def test_servers_are_those_that_the_tests_run_against(services: dict[str, Any]) -> None:
    assert services["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"
    lock = (CHECKOUT / "locks" / "runtime.txt").read_text("utf-8")
    engine = re.search(r"^chdb-core==(\d+\.\d+)", lock, re.MULTILINE)
    assert engine is not None
    assert services["clickhouse"]["image"] == f"clickhouse/clickhouse-server:{engine[1]}"
    kafka = services["kafka"]["environment"]
    assert kafka["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert "KAFKA_ZOOKEEPER_CONNECT" not in kafka


def test_images_are_versioned_and_name_no_registry(services: dict[str, Any]) -> None:
    for service in services.values():
        name, _, tag = service["image"].partition(":")
        assert tag
        assert tag != "latest"
        assert "." not in name.split("/")[0]

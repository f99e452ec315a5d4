from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from streams.broker import jars
from streams.broker.errors import JarsError
from streams.broker.jars import Pin, kafka_classpath, pinned_jars

CONTENT = b"a jar"
PIN = Pin("org.example", "thing", "1.0", hashlib.sha256(CONTENT).hexdigest())


class Maven:
    """Stands for jgo's context, its projects, components and artifacts at once."""

    def __init__(self, repository: Path, content: bytes | None) -> None:
        self.repository = repository
        self.content = content
        self.fetched = 0

    def project(self, _group: str, _artifact: str) -> Maven:
        return self

    def at_version(self, _version: str) -> Maven:
        return self

    def artifact(self) -> Maven:
        return self

    def resolve(self) -> Path:
        if self.content is None:
            raise ConnectionError("no route to host")
        self.fetched += 1
        jar = self.repository / PIN.path
        jar.parent.mkdir(parents=True, exist_ok=True)
        jar.write_bytes(self.content)
        return jar


def use(monkeypatch: pytest.MonkeyPatch, cache: Path, content: bytes | None) -> Maven:
    maven = Maven(cache / "maven", content)
    monkeypatch.setattr(jars, "_maven", lambda _repository: maven)
    monkeypatch.setattr(jars, "pinned_jars", lambda: (PIN,))
    return maven


def test_every_jar_is_pinned_by_a_digest() -> None:
    pins = pinned_jars()
    assert len({pin.path for pin in pins}) == len(pins) > 40
    assert all(re.fullmatch("[0-9a-f]{64}", pin.sha256) for pin in pins)


def test_the_jars_that_were_asked_for_are_among_the_pinned() -> None:
    assert set(jars.ROOTS) <= {(p.group, p.artifact, p.version) for p in pinned_jars()}


def test_the_logging_binding_is_of_the_same_version_as_its_api() -> None:
    versions = {p.artifact: p.version for p in pinned_jars()}
    assert versions["slf4j-simple"] == versions["slf4j-api"]


def test_the_jars_are_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven = use(monkeypatch, tmp_path, CONTENT)
    first = kafka_classpath(tmp_path)
    maven.content = None
    assert kafka_classpath(tmp_path) == first == (tmp_path / "maven" / PIN.path,)
    assert maven.fetched == 1


def test_a_jar_cut_off_by_a_crash_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, tmp_path, CONTENT)
    jar = tmp_path / "maven" / PIN.path
    jar.parent.mkdir(parents=True)
    jar.write_bytes(CONTENT[:2])
    kafka_classpath(tmp_path)
    assert jar.read_bytes() == CONTENT


def test_a_jar_that_was_removed_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maven = use(monkeypatch, tmp_path, CONTENT)
    for jar in kafka_classpath(tmp_path):
        jar.unlink()
    kafka_classpath(tmp_path)
    assert maven.fetched == 2


def test_a_jar_with_another_digest_is_refused_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, tmp_path, b"something else")
    with pytest.raises(JarsError, match=r"thing-1\.0\.jar is not the pinned file"):
        kafka_classpath(tmp_path)
    assert not (tmp_path / "maven" / PIN.path).exists()


def test_a_machine_without_network_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, tmp_path, None)
    with pytest.raises(JarsError, match=r"org.example:thing:1.0 .*YIJIAN_KAFKA_BOOTSTRAP"):
        kafka_classpath(tmp_path)

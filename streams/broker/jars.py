"""Kafka's jars: pinned by digest, fetched once from Maven Central, then used offline."""

from __future__ import annotations

import hashlib
import importlib.resources
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from streams.broker.errors import JarsError
from streams.broker.files import exclusive, write_atomically

KAFKA_VERSION: Final = "4.1.0"
ROOTS: Final = (
    ("org.apache.kafka", "kafka_2.13", KAFKA_VERSION),
    # Kafka 4.1 logs through slf4j 1.7: a binding of another line stays silent.
    ("org.slf4j", "slf4j-simple", "1.7.36"),
)
_LOCK_FILE: Final = "kafka-jars.lock"
_DOWNLOADS_AT_ONCE: Final = 8


@dataclass(frozen=True)
class Pin:
    """One jar: Maven coordinate and SHA-256 digest (hexadecimal)."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where the jar stands below the cache, in Maven's own layout."""
        folder = Path(*self.group.split("."), self.artifact, self.version)
        return folder / f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version} sha256:{self.sha256}"


def pinned_jars() -> tuple[Pin, ...]:
    """Every jar Kafka runs with, in the order of the lock file."""
    text = importlib.resources.files(__package__).joinpath(_LOCK_FILE).read_text("utf-8")
    return tuple(_parse_pins(text))


def kafka_classpath(cache_dir: Path) -> tuple[Path, ...]:
    """The jars to run Kafka with; fetched at the first call, afterwards without any network.

    Several processes may call it at once: one fetches, the others wait for it.

    Raises:
        JarsError: a jar could not be fetched, or its digest is not the pinned one.
    """
    pins = pinned_jars()
    repository = cache_dir / "maven"
    complete = cache_dir / "kafka" / f"jars-{_digest_of(pins)}.complete"
    jars = tuple(repository / pin.path for pin in pins)
    if complete.exists() and all(jar.exists() for jar in jars):
        return jars
    with exclusive(cache_dir / "kafka" / "jars.lock"):
        _fetch_all(pins, repository)
        write_atomically(complete, "\n".join(map(str, pins)) + "\n")
    return jars


def _parse_pins(text: str) -> Iterator[Pin]:
    for line in text.splitlines():
        if line and not line.startswith("#"):
            coordinate, digest = line.split(" sha256:")
            group, artifact, version = coordinate.split(":")
            yield Pin(group, artifact, version, digest)


def _digest_of(pins: tuple[Pin, ...]) -> str:
    return hashlib.sha256("\n".join(map(str, pins)).encode()).hexdigest()[:16]


def _fetch_all(pins: tuple[Pin, ...], repository: Path) -> None:
    context = _maven(repository)
    with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
        for _ in pool.map(lambda pin: _fetch(context, pin, repository), pins):
            pass


def _fetch(context: Any, pin: Pin, repository: Path) -> None:
    """Fetch one jar unless it is there; a jar cut off by an earlier crash is fetched anew."""
    jar = repository / pin.path
    if jar.exists() and _sha256(jar) == pin.sha256:
        return
    jar.unlink(missing_ok=True)
    artifact = context.project(pin.group, pin.artifact).at_version(pin.version).artifact()
    try:
        fetched = Path(artifact.resolve())
    except Exception as error:  # jgo passes on whatever requests and sockets raise
        jar.unlink(missing_ok=True)
        raise JarsError(
            f"could not fetch {pin.group}:{pin.artifact}:{pin.version} from Maven Central: "
            f"{error}. "
            "The local Kafka needs the network once; check it (or name a mirror in jgo's "
            "configuration file), or set YIJIAN_KAFKA_BOOTSTRAP to a broker that runs already"
        ) from error
    if (found := _sha256(fetched)) != pin.sha256:
        fetched.unlink()
        raise JarsError(
            f"{fetched.name} is not the pinned file: sha256 is {found}, expected {pin.sha256}. "
            "It was removed; if this repeats, the repository it comes from was tampered with"
        )


def _maven(repository: Path) -> Any:
    # Imported here: jgo pulls in requests, and later starts need neither.
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    repositories = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    return MavenContext(repo_cache=repository, remote_repos=repositories, timeout=60)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _resolve_afresh(repository: Path) -> Iterator[Pin]:
    context = _maven(repository)
    roots = [context.create_dependency(_coordinate(*root)) for root in ROOTS]
    inputs, transitive = context.resolver.resolve(roots)
    kept = [*inputs, *(d for d in transitive if d.scope in ("compile", "runtime"))]
    for dependency in kept:
        artifact = dependency.artifact
        digest = _sha256(Path(artifact.resolve()))
        yield Pin(artifact.groupId, artifact.artifactId, artifact.version, digest)


def _coordinate(group: str, artifact: str, version: str) -> Any:
    from jgo.parse import Coordinate

    return replace(Coordinate.parse(f"{group}:{artifact}:{version}"), scope="compile")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write("\n".join(sorted(map(str, _resolve_afresh(Path(folder))))) + "\n")

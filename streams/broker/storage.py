"""A formatted data folder: Kafka's own tool formats one template, later folders are copies."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from streams.broker.errors import BrokerStartError
from streams.broker.files import exclusive, write_atomically
from streams.broker.jars import KAFKA_VERSION
from streams.broker.server_config import Ports, format_command, server_properties

_META: Final = "meta.properties"
_FORMAT_TIMEOUT_S: Final = 120.0


def ensure_formatted(data_dir: Path, cache_dir: Path, java: Path, classpath: Sequence[Path]) -> str:
    """The cluster id of `data_dir`, which is formatted if it was not.

    Raises:
        BrokerStartError: Kafka's tool refused to format.
    """
    meta = data_dir / _META
    if not meta.exists():
        template = _template(cache_dir, java, classpath)
        shutil.copytree(template, data_dir, dirs_exist_ok=True, ignore=_only_meta_is_left_out)
        # Last, because its presence says that the folder is complete. Copies of one template
        # must not pass for one cluster: sinks keep their positions by cluster.
        text = (template / _META).read_text("utf-8")
        for key in ("cluster.id", "directory.id"):
            text = re.sub(rf"(?m)^{re.escape(key)}=.*$", f"{key}={new_kafka_id()}", text)
        write_atomically(meta, text)
    return _property(meta, "cluster.id")


def new_kafka_id() -> str:
    """A random id in Kafka's form: 16 bytes, base64 for URLs, never with a leading dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):  # tools would take it for an option
            return text


def _only_meta_is_left_out(_folder: str, names: list[str]) -> set[str]:
    return {_META} & set(names)


def _template(cache_dir: Path, java: Path, classpath: Sequence[Path]) -> Path:
    template = cache_dir / "kafka" / f"formatted-{KAFKA_VERSION}"
    if template.exists():
        return template
    with exclusive(cache_dir / "kafka" / "format.lock"):
        if not template.exists():
            _format(template, java, classpath)
    return template


def _format(template: Path, java: Path, classpath: Sequence[Path]) -> None:
    with tempfile.TemporaryDirectory(dir=template.parent, prefix=".formatting-") as name:
        folder = Path(name)
        properties_file = folder / "server.properties"
        # The ports are not stored; the tool only asks that the properties are complete.
        ports = Ports(broker=9092, controller=9093)
        properties_file.write_text(server_properties(ports, folder / "data", {}), "ascii")
        command = format_command(java, classpath, new_kafka_id(), properties_file)
        try:
            answer = subprocess.run(
                command, capture_output=True, text=True, timeout=_FORMAT_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BrokerStartError(f"could not run Java to format Kafka's data: {error}") from error
        if answer.returncode != 0:
            said = "\n".join((answer.stdout + answer.stderr).splitlines()[-20:])
            raise BrokerStartError(
                f"Kafka's storage tool ended with {answer.returncode}; it said last:\n{said}"
            )
        (folder / "data").rename(template)


def _property(path: Path, key: str) -> str:
    for line in path.read_text("utf-8").splitlines():
        if line.startswith(f"{key}="):
            return line.partition("=")[2].strip()
    raise BrokerStartError(f"{path} has no {key}: the data folder is damaged; remove it")

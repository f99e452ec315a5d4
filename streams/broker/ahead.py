"""What a JVM works out at each start of the broker, kept: later starts take half of the time.

Java 25's ahead-of-time cache (JEP 514): a broker that is started for that alone leaves the classes
behind as they were loaded and linked. A JVM checks such a file and does without one that does not
fit; an older Java leaves none and starts as it always did.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from streams.broker import guard
from streams.broker.errors import BrokerStartError
from streams.broker.files import exclusive
from streams.broker.jars import KAFKA_VERSION, kafka_classpath
from streams.broker.java import choose_java
from streams.broker.launch import Prepared, Program, prepare, spawn, wait_until_ready
from streams.broker.ports import free_ports
from streams.broker.server_config import JvmSettings, Ports

_READY_S: Final = 60.0
_DUMP_S: Final = 60.0
"""The JVM writes the file when it ends, in a process of its own."""


def prepare_ahead(
    folder: Path, ports: Ports, cache_dir: Path, java_home: Path | None, settings: JvmSettings
) -> Prepared:
    """`prepare`, for a JVM that starts with what an earlier one worked out."""
    program = Program(choose_java(java_home), kafka_classpath(cache_dir))
    kept = _kept(cache_dir.absolute(), program)
    if kept is not None:
        settings = replace(settings, options=(*settings.options, f"-XX:AOTCache={kept}"))
    return prepare(folder, ports, cache_dir, program, settings)


def _kept(cache_dir: Path, program: Program) -> Path | None:
    """The file for this Java and these jars, made where it is not there; None: there is none."""
    java = program.java.resolve()
    named = "\n".join(map(str, (java, java.stat().st_mtime_ns, *program.classpath)))
    file = cache_dir / "kafka" / f"ahead-{KAFKA_VERSION}-{sha256(named.encode()).hexdigest()[:16]}"
    if not file.exists():
        with exclusive(cache_dir / "kafka" / "ahead.lock"):
            if not file.exists():
                _make(file, cache_dir, program)
    return file if file.stat().st_size else None


def _make(file: Path, cache_dir: Path, program: Program) -> None:
    """Run a broker that leaves the file behind; an empty one, so that no later start tries again,
    where that cannot be had."""
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".ahead-") as name:
        folder = Path(name)
        made = folder / "made"
        # An older Java shall end like this one, not refuse to start.
        options = ("-XX:+IgnoreUnrecognizedVMOptions", f"-XX:AOTCacheOutput={made}")
        settings = JvmSettings(options=options)
        prepared = prepare(folder / "broker", free_ports(), cache_dir, program, settings)
        spawned = spawn(prepared, [f"--parent={os.getpid()}"], grace_s=_DUMP_S)
        child = spawned.child
        assert child.stdin is not None
        try:
            wait_until_ready(prepared, lambda: child.poll() is None, _READY_S)
            child.stdin.write(guard.STOP)
            child.stdin.flush()
            child.wait(_DUMP_S)
        except (BrokerStartError, BrokenPipeError, subprocess.TimeoutExpired):
            made.unlink(missing_ok=True)  # the broker that is wanted says what is wrong
        finally:
            child.stdin.close()  # the guard ends what still runs
            child.wait()
        if not made.exists():
            made.touch()
        made.replace(file)

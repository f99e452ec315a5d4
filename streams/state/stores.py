"""Where the values of a partition's subjects lie: in memory, or in RocksDB if they are too many.

Neither is trusted across an assignment: the state topic is read back whenever partitions come.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from streams.errors import ConfigurationError

IN_MEMORY: Final = "memory"
ROCKSDB: Final = "rocksdb"
KINDS: Final = (IN_MEMORY, ROCKSDB)
_CACHE_BYTES: Final = 64 * 1_048_576
_WRITE_BUFFER_BYTES: Final = 32 * 1_048_576
_BLOOM_BITS: Final = 10.0
_MOST_PROCESSES: Final = 64


class Store(Protocol):
    """Values by subject."""

    @property
    def stored_bytes(self) -> int:
        """The size of all values."""

    def __len__(self) -> int: ...

    def get(self, key: bytes) -> bytes | None:
        """The value of a subject; None where it has none."""

    def put(self, key: bytes, value: bytes) -> None:
        """Keep a value in the place of what was there."""

    def drop(self, key: bytes) -> None:
        """Keep nothing of a subject any more."""

    def close(self) -> None:
        """Give up everything; nothing else is called after it."""


Opening: TypeAlias = Callable[[], Store]
"""Makes an empty store."""


class InMemory:
    """Values in a dict."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._bytes = 0
        self.get = self._values.get

    @property
    def stored_bytes(self) -> int:
        return self._bytes

    def __len__(self) -> int:
        return len(self._values)

    def put(self, key: bytes, value: bytes) -> None:
        self._bytes += len(value) - len(self._values.get(key, b""))
        self._values[key] = value

    def drop(self, key: bytes) -> None:
        self._bytes -= len(self._values.pop(key, b""))

    def close(self) -> None:
        self._values.clear()
        self._bytes = 0


class RocksDb:
    """Values in a RocksDB of this process's own; `folder` is made, and goes when it is closed."""

    def __init__(self, folder: Path, rocksdict: Any) -> None:
        self._folder = folder
        self._db = rocksdict.Rdict(str(folder), _options(rocksdict))
        writing = rocksdict.WriteOptions()
        writing.disable_wal = True  # after a crash the topic is read back, not this
        self._db.set_write_options(writing)
        self._count = 0
        self._bytes = 0

    @property
    def stored_bytes(self) -> int:
        return self._bytes

    def __len__(self) -> int:
        return self._count

    def get(self, key: bytes) -> bytes | None:
        found: bytes | None = self._db.get(key)
        return found

    def put(self, key: bytes, value: bytes) -> None:
        self._forget(key)
        self._count += 1
        self._bytes += len(value)
        self._db[key] = value

    def drop(self, key: bytes) -> None:
        if self._forget(key):
            self._db.delete(key)

    def close(self) -> None:
        self._db.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _forget(self, key: bytes) -> bool:
        """Take what is there out of the count; whether something is."""
        old = self.get(key)
        if old is None:
            return False
        self._count -= 1
        self._bytes -= len(old)
        return True


def _options(rocksdict: Any) -> Any:
    options = rocksdict.Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_compression_type(rocksdict.DBCompressionType.none())  # values are compressed
    options.set_write_buffer_size(_WRITE_BUFFER_BYTES)
    tables = rocksdict.BlockBasedOptions()
    tables.set_block_cache(rocksdict.Cache(_CACHE_BYTES))
    tables.set_bloom_filter(_BLOOM_BITS, False)
    options.set_block_based_table_factory(tables)
    return options


def opening(kind: str, folder: Path | None = None) -> Opening:
    """What makes the stores of this process. Raises ConfigurationError."""
    if kind == IN_MEMORY:
        return InMemory
    if kind != ROCKSDB:
        raise ConfigurationError(f"the state store {kind!r} is none of {', '.join(KINDS)}")
    try:
        import rocksdict
    except ImportError as error:
        raise ConfigurationError(
            "the state store rocksdb needs the package rocksdict, which is not installed; install "
            "yijian[rocksdb], or set YIJIAN_STATE_STORE=memory"
        ) from error
    if folder is None:
        raise ConfigurationError(
            "the state store rocksdb has no folder; name one with YIJIAN_STATE_FOLDER"
        )
    own, numbers = _claimed(folder), count()
    return lambda: RocksDb(own / f"{next(numbers)}", rocksdict)


def _claimed(folder: Path) -> Path:
    """An empty folder in `folder` that belongs to this process until it ends."""
    for number in range(_MOST_PROCESSES):
        own = folder / f"process-{number}"
        try:
            own.mkdir(parents=True, exist_ok=True)
            lock = os.open(folder / f"process-{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigurationError(
                f"the state folder {folder} cannot be written: {error.strerror}; name another one "
                "with YIJIAN_STATE_FOLDER"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel lets go when we end
        except OSError:
            os.close(lock)
            continue
        for old in own.iterdir():  # of a process that was killed
            shutil.rmtree(old, ignore_errors=True)
        return own
    raise ConfigurationError(
        f"{_MOST_PROCESSES} processes hold the state folder {folder}; name another one with "
        "YIJIAN_STATE_FOLDER"
    )

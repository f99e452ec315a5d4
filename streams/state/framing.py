"""A memory as the value of a record: what recovery needs in front, the memory behind, compressed.

Recovery reads a million of these and decompresses none: when something of it is due, and which
decisions it knows of, stand in the first bytes. What all memories have in common (names of facts,
families, verbs) stands in a dictionary that belongs to the format and never changes; without it
they are half as large again.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from struct import Struct
from typing import Final, NamedTuple

import zstandard

from rules.memory.model import NEVER_US
from streams.errors import StateUnreadable

FORMAT: Final = 2
_DICTIONARIES: Final = {1: None, 2: "memory-2.zdict"}
"""Format to the dictionary that it is packed with (benchmarks/dictionary.py); each is readable."""
_HEAD: Final = Struct(">BQq")
_NEVER: Final = 2**64 - 1
_LEVEL: Final = 3


class Head(NamedTuple):
    """What can be told of a value without opening it."""

    due_us: int
    """The earliest time at which a timer of it fires; NEVER_US where none does."""
    covered: int
    """The offset of the last decision in its partition that it knows of; -1 for none."""


class Packing:
    """Packs and opens memories; for one thread."""

    def __init__(self) -> None:
        self._pack = zstandard.ZstdCompressor(
            level=_LEVEL, dict_data=_dictionary(FORMAT), write_checksum=False, write_dict_id=False
        ).compress
        self._open = {
            known: zstandard.ZstdDecompressor(dict_data=_dictionary(known)).decompress
            for known in _DICTIONARIES
        }

    def pack(self, encoded: bytes) -> bytes:
        """The body of a value."""
        return self._pack(encoded)

    def open(self, value: bytes) -> bytes:
        """What was packed. Raises StateUnreadable."""
        head_of(value)
        try:
            return self._open[value[0]](value[_HEAD.size :])
        except zstandard.ZstdError as error:
            raise StateUnreadable(f"a remembered state is damaged: {error}") from error


@cache
def _dictionary(of_format: int) -> zstandard.ZstdCompressionDict | None:
    """The dictionary of a format; the compressor's tables are made once a process."""
    name = _DICTIONARIES[of_format]
    if name is None:
        return None
    raw = files(__package__).joinpath(name).read_bytes()
    found = zstandard.ZstdCompressionDict(raw, dict_type=zstandard.DICT_TYPE_FULLDICT)
    found.precompute_compress(level=_LEVEL)
    return found


def framed(due_us: int, covered: int, body: bytes) -> bytes:
    """The value of a record."""
    return _HEAD.pack(FORMAT, _NEVER if due_us == NEVER_US else max(due_us, 0), covered) + body


def head_of(value: bytes) -> Head:
    """The head of a value. Raises StateUnreadable for one of another format."""
    if len(value) < _HEAD.size or value[0] not in _DICTIONARIES:
        raise StateUnreadable(
            f"a remembered state has format {value[:1].hex() or 'none'}; this version reads up to "
            f"{FORMAT:02x}. Start a version that reads it, or rebuild the state"
        )
    _, due, covered = _HEAD.unpack_from(value)
    return Head(NEVER_US if due == _NEVER else due, covered)

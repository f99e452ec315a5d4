"""`python -m benchmarks.dictionary FILE`: the words that remembered states have in common.

Trains a zstd dictionary for streams/state/framing.py on the memories of simulated patients after a
day. Names of sources, acts and catalogues are replaced first, differently in each memory, so that
it holds what every site says, and nothing of the simulation. The last line is JSON.
"""

from __future__ import annotations

import argparse
import logging
import random
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from string import ascii_lowercase, digits
from typing import Final

import msgspec
import zstandard

from benchmarks.recovery import remembered
from streams.state.framing import Packing, framed
from yijian import settings
from yijian.composition import load_core

_BYTES: Final = 8192
_SEEDS: Final = (11, 12)
_OWN: Final = re.compile(
    rb"urn:yijian:simulation:[\w-]+(?::\w+)?|urn:yijian:demo|\d{8}-\d+-[0-9a-f]{8}-\d+"
)
"""What belongs to a simulated site, and to none other."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.dictionary", description=__doc__)
    parser.add_argument("file", type=Path)
    wish = parser.parse_args(arguments)
    logging.getLogger("simulation.feed").setLevel(logging.ERROR)
    s = replace(settings.load(), profile="demo")
    core = load_core(s)
    packing, rng = Packing(), random.Random(0)
    samples: list[bytes | bytearray | memoryview] = [
        _without_names(packing.open(framed(0, -1, change.body or b"")), rng)
        for seed in _SEEDS
        for change in remembered(s, core, seed)[0]
    ]
    trained = zstandard.train_dictionary(_BYTES, samples, level=3).as_bytes()
    wish.file.write_bytes(trained)
    print(msgspec.json.encode({"memories": len(samples), "bytes": len(trained)}).decode())
    return 0


def _without_names(encoded: bytes, rng: random.Random) -> bytes:
    others: dict[bytes, bytes] = {}

    def other(found: re.Match[bytes]) -> bytes:
        name = found.group()
        if name not in others:
            others[name] = "".join(rng.choices(ascii_lowercase + digits, k=len(name))).encode()
        return others[name]

    return _OWN.sub(other, encoded)


if __name__ == "__main__":
    sys.exit(main())

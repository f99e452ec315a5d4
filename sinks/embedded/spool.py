"""Temporary files for bodies and results that must not be held in memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree


class Spool:
    """A directory of files that live as long as one request; emptied when it is opened."""

    def __init__(self, directory: Path) -> None:
        rmtree(directory, ignore_errors=True)
        directory.mkdir(mode=0o700, parents=True)
        self._directory = directory

    @contextmanager
    def keep(self, pieces: Iterable[bytes]) -> Iterator[Path]:
        """A file with all the pieces in it; gone at the end of the block."""
        # A name without an ending: the engine would take `.gz` for compressed data.
        descriptor, name = tempfile.mkstemp(dir=self._directory)
        path = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for piece in pieces:
                    file.write(piece)
            yield path
        finally:
            path.unlink(missing_ok=True)

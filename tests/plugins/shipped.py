"""Rules and knowledge are read once a test process, as long as their files stay the same.

A hundred tests start from what is shipped, and reading it takes longer than most of them. What is
read is frozen; evaluators are made anew each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import knowledge_base
import rules

_State = tuple[tuple[str, int, int], ...]


def _state_of(paths: Iterable[Path]) -> _State:
    """Of every file: its name, size and time of change."""
    files = sorted(
        file
        for path in paths
        for file in (path.rglob("*") if path.is_dir() else (path,))
        if file.is_file()
    )
    return tuple((str(f), f.stat().st_size, f.stat().st_mtime_ns) for f in files)


def _once(load: Callable[..., Any]) -> Callable[..., Any]:
    kept: dict[tuple[_State, tuple[int, ...]], tuple[Any, object]] = {}

    def loaded(paths: Iterable[Path], *others: object) -> Any:
        read = list(paths)
        key = (_state_of(read), tuple(id(other) for other in others))
        if key not in kept:
            kept[key] = load(read, *others), others  # their ids are keys: they must stay
        return kept[key][0]

    return loaded


@pytest.fixture(scope="session", autouse=True)
def what_is_shipped_is_read_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(knowledge_base, "load", _once(knowledge_base.load))
        patch.setattr(rules, "load_pack", _once(rules.load_pack))
        yield

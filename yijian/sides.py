"""Where rules and knowledge of one side of a comparison come from: folders, or a bundle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import knowledge_base
import rules
from rules.replay import Side
from yijian.bundles.loading import opened_file, unpacked


@dataclass(frozen=True)
class Source:
    """Folders and files that one side is loaded from."""

    packs: tuple[Path, ...]
    knowledge: tuple[Path, ...]

    def load(self) -> Side:
        """Raises PackError or KnowledgeError."""
        knowledge = knowledge_base.load(list(self.knowledge))
        return Side(rules.load_pack(list(self.packs), knowledge), knowledge)

    def plus(self, packs: tuple[Path, ...], knowledge: tuple[Path, ...]) -> Source:
        return Source((*self.packs, *packs), (*self.knowledge, *knowledge))


class Opening:
    """Opens sides; the folders of bundles are there until the end of `opened`."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def side(
        self,
        packs: Sequence[Path],
        knowledge: Sequence[Path] | None,
        used_knowledge: Sequence[Path],
    ) -> Source:
        """The source of a side. A bundle brings its rules, and its knowledge unless one is named.

        Raises PackingFault, RefusedBundle or KnowledgeError for a file that is no bundle.
        """
        folders: list[Path] = []
        bundled: list[Path] = []
        for path in packs:
            if path.is_file() and path.suffix != ".yaml":
                rules_folder = self._unpacked(path)
                folders.append(rules_folder)
                bundled.append(rules_folder.parent / "knowledge")
            else:
                folders.append(path)
        chosen = knowledge or [path for path in bundled if path.is_dir()] or used_knowledge
        return Source(tuple(folders), tuple(chosen))

    def _unpacked(self, path: Path) -> Path:
        folder, _ = self._stack.enter_context(unpacked(opened_file(path).files))
        return folder


@contextmanager
def opened() -> Iterator[Opening]:
    """Opens sides, and clears away what bundles were unpacked to."""
    with ExitStack() as stack:
        yield Opening(stack)

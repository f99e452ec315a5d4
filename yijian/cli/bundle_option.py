"""`--bundle FILE`: rules and knowledge of a bundle, for commands that otherwise read folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from knowledge_base import KnowledgeBase
from yijian.bundles.loading import core_of_file, opened_file, unpacked
from yijian.cli.console import USAGE, fail
from yijian.cli.workbench import load_knowledge, rule_paths
from yijian.composition import Core, load_core
from yijian.settings import Settings

Bundle = Annotated[
    Path | None,
    typer.Option("--bundle", help="A bundle file: its rules and knowledge, not those in use."),
]


def core_of(s: Settings, bundle: Path | None) -> Core:
    """What evaluates: of the bundle where one is named, else of the settings."""
    return load_core(s) if bundle is None else core_of_file(bundle, s).core


@contextmanager
def material(
    s: Settings, bundle: Path | None, paths: Sequence[Path] | None, more: Sequence[Path] | None
) -> Iterator[tuple[list[Path], KnowledgeBase]]:
    """Folders of rules, and knowledge: of the bundle where one is named, else of what is in use.

    The folders are there until the end.
    """
    if bundle is None:
        yield rule_paths(s, paths), load_knowledge(s, more)
        return
    if paths or more:
        fail("a bundle brings its own rules and knowledge: name nothing beside it", USAGE)
    with unpacked(opened_file(bundle).files) as (folder, knowledge):
        yield [folder], knowledge

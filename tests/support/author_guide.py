"""Runs the author's guide, rules/README.md, as somebody who follows it would.

    python tests/support/author_guide.py      write the real output into the guide

In the guide a console block holds commands (`$ …`) and what they print. Comments before a block
say more:

    <!-- file: PATH -->           the block is the file's content
    <!-- edit: PATH | A | B -->   A becomes B in the file
    <!-- run: exit=1 -->          the last command of the next block ends so
    <!-- run: loose -->           what it prints differs from version to version
    <!-- run: kafka -->           it needs a broker
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
GUIDE: Final = ROOT / "rules" / "README.md"
_COMMENT: Final = re.compile(r"<!-- (file|edit|run): (.*) -->")
_FENCE: Final = re.compile(r"```(\w*)")
_MASKED: Final = re.compile(r"\d{8}-\d+-[0-9a-f]{8}-\d+-e\d+|\b[0-9a-f]{12,64}\b")
_TIMEOUT_S: Final = 100.0


@dataclass(frozen=True)
class Command:
    """One command of a block, and the lines that the guide says it prints."""

    text: str
    output: tuple[str, ...]


@dataclass
class Step:
    """Something to do: a file, an edit, or a block of commands."""

    kind: str
    line: int
    """Where its block begins in the guide (the fence), or the comment stands."""
    name: str = ""
    text: str = ""
    old: str = ""
    new: str = ""
    commands: list[Command] = field(default_factory=list)
    end: int = 0
    """The line of the closing fence."""
    exit_code: int = 0
    is_loose: bool = False
    needs_kafka: bool = False


def steps(guide: str) -> Iterator[Step]:
    """What the guide tells its reader to do, in order."""
    lines = guide.splitlines()
    words: dict[str, str] = {}
    number = 0
    while number < len(lines):
        comment = _COMMENT.match(lines[number])
        fence = _FENCE.match(lines[number])
        if comment and comment[1] == "edit":
            name, old, new = (part.replace("\\n", "\n") for part in comment[2].split(" | "))
            yield Step("edit", number, name, old=old, new=new)
        elif comment:
            words[comment[1]] = comment[2]
        elif fence:
            end = next(n for n in range(number + 1, len(lines)) if lines[n].startswith("```"))
            body = lines[number + 1 : end]
            if "file" in words:
                yield Step("file", number, words["file"], "\n".join(body) + "\n", end=end)
            elif fence[1] == "console":
                run = words.get("run", "").split()
                code = next((int(w[5:]) for w in run if w.startswith("exit=")), 0)
                yield Step(
                    "console", number, commands=list(_commands(body)), end=end, exit_code=code,
                    is_loose="loose" in run, needs_kafka="kafka" in run,
                )  # fmt: skip
            words = {}
            number = end
        number += 1


def _commands(body: list[str]) -> Iterator[Command]:
    text, output = "", list[str]()
    for line in body:
        if line.startswith("$ "):
            if text:
                yield Command(text, tuple(output))
            text, output = line[2:], []
        else:
            output.append(line)
    if text:
        yield Command(text, tuple(output))


class Reader:
    """Follows the guide in a folder that looks like a fresh clone."""

    def __init__(self, folder: Path, environ: dict[str, str] | None = None) -> None:
        self.folder = folder
        for name in ("rules", "knowledge_base"):
            (folder / name).symlink_to(ROOT / name)
        self._environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("YIJIAN_")},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "YIJIAN_CACHE_DIR": str(folder / "cache"),
            "COLUMNS": "96",
            **(environ or {}),
        }

    def do(self, step: Step) -> list[tuple[Command, list[str], int]]:
        """Do a step; for each command the lines that it printed, and its exit code."""
        if step.kind == "console":
            return [(command, *self._run(command.text)) for command in step.commands]
        path = self.folder / step.name
        if step.kind == "file":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
            assert step.old in text, f"{step.name} has no {step.old!r} (line {step.line + 1})"
            path.write_text(text.replace(step.old, step.new), encoding="utf-8")
        return []

    def _run(self, command: str) -> tuple[list[str], int]:
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=self._environ, timeout=_TIMEOUT_S,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        lines = done.stdout.decode("utf-8").splitlines()
        return [line.rstrip() for line in lines], done.returncode


def masked(lines: list[str] | tuple[str, ...]) -> list[str]:
    """The lines without ids and digests, which other knowledge changes."""
    return [_MASKED.sub("…", line.rstrip()) for line in lines]


def written(guide: str, reader: Reader) -> str:
    """The guide with the real output of its commands."""
    lines = guide.splitlines()
    shift = 0
    for step in list(steps(guide)):
        done = reader.do(step)
        if step.kind != "console":
            continue
        block = [line for command, output, _ in done for line in (f"$ {command.text}", *output)]
        lines[step.line + 1 + shift : step.end + shift] = block
        shift += len(block) - (step.end - step.line - 1)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    from streams.broker import LocalKafka

    cache = Path.home() / ".cache" / "yijian"
    with TemporaryDirectory() as name, LocalKafka(cache) as kafka:
        broker = {"YIJIAN_KAFKA_BOOTSTRAP": kafka.bootstrap}
        GUIDE.write_text(written(GUIDE.read_text("utf-8"), Reader(Path(name), broker)), "utf-8")

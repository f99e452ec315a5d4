"""YAML files read strictly, with the place of every value, and every error reported at once.

The scalars are those of YAML 1.2's core schema without its surprises: `true`, `false`, `null`,
decimal integers and decimal fractions; everything else is text, dates too. What two YAML readers
would read differently (`no`, `010`, `12:30`, `1e5`) is a problem that says what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

from knowledge_base.slips import Slip, slip_in, slip_of

Scalar: TypeAlias = str | int | float | bool | None

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH: Final = 64
_MAX_DIGITS: Final = 18

_INT: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FRACTION: Final = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")
_WORDS: Final[dict[str, Scalar]] = {"true": True, "false": False, "null": None, "": None}
_YES_NO: Final = frozenset({"y", "n", "yes", "no", "on", "off"})
_LOOSE_WORDS: Final = frozenset({"~", "true", "false", "null"})
_OTHER_NUMBER: Final = re.compile(
    r"[-+]?(?:0[0-9_]+(?:\.[0-9_]*)?|0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+"
    r"|[0-9][0-9_]*(?::[0-9_]+(?:\.[0-9_]*)?)+"
    r"|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?"
    r"|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)"
)


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong in a file: where, what, and what to do. Lines and columns from 1."""

    path: Path
    line: int
    column: int
    message: str
    fix: str = ""
    level: str = "error"
    """error, or warning: worth a look, but nothing fails because of it."""
    check: str = ""
    """The id of the check that found it (`rules.lint.CHECKS`), where one did."""

    def __str__(self) -> str:
        text = f"{self.path}:{self.line}:{self.column}: {self.message}"
        return f"{text}; {self.fix}" if self.fix else text


@dataclass(frozen=True, eq=False)
class Node:
    """A value with its place. `value` is a scalar, a list of nodes, or a dict name → (key, value).

    `raw` is a scalar's text; `quoted` says that it stood in quotes or in a block, hence is text.
    """

    value: Scalar | list[Node] | dict[str, tuple[Node, Node]]
    path: Path
    line: int
    column: int
    raw: str = ""
    quoted: bool = False
    is_key: bool = False

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        return isinstance(self.value, list)

    @property
    def is_null(self) -> bool:
        return self.value is None

    @property
    def kind(self) -> str:
        """What it is, in words for messages."""
        if isinstance(self.value, dict):
            return "a mapping"
        if isinstance(self.value, list):
            return "a list"
        if self.value is None:
            return "nothing"
        if isinstance(self.value, bool):
            return "true or false"
        return "text" if isinstance(self.value, str) else "a number"

    def items(self) -> Iterator[tuple[str, Node, Node]]:
        """(key, key node, value node) of a mapping in the order of the file."""
        if not isinstance(self.value, dict):
            raise TypeError(f"{self.kind} has no entries; check is_mapping first")
        for name, (key, value) in self.value.items():
            yield name, key, value

    def get(self, key: str) -> Node | None:
        """The value under a key of a mapping, or None where there is no such key."""
        if not isinstance(self.value, dict):
            raise TypeError(f"{self.kind} has no entries; check is_mapping first")
        entry = self.value.get(key)
        return entry[1] if entry else None

    def entries(self) -> Iterator[tuple[str, Node, Node]]:
        """(key, key node, value node) of every mapping in it, in the order of the file."""
        if isinstance(self.value, dict):
            for name, key, value in self.items():
                yield name, key, value
                yield from value.entries()
        elif isinstance(self.value, list):
            for child in self.value:
                yield from child.entries()

    def __iter__(self) -> Iterator[Node]:
        if not isinstance(self.value, list):
            raise TypeError(f"{self.kind} has no elements; check is_list first")
        return iter(self.value)

    def plain(self) -> Any:
        """The same as plain dicts, lists and scalars, without places."""
        if isinstance(self.value, dict):
            return {name: value.plain() for name, (_, value) in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    @property
    def slip(self) -> Slip | None:
        """A character in it that was probably typed for another one, see knowledge_base.slips."""
        return None if self.quoted else slip_of(self.raw, is_key=self.is_key)

    def problem(self, message: str, fix: str = "", check: str = "") -> Problem:
        """A problem at this place; `check` names the check that found it.

        Where a character was typed for another one, that is what is wrong.
        """
        slip = self.slip
        if slip is not None:
            message, fix = slip.message, slip.fix
        return Problem(self.path, self.line, self.column, message, fix, check=check)


def read(path: Path, problems: list[Problem]) -> Node | None:
    """The document in a file, or None; whatever is wrong is appended to `problems`."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        problems.append(Problem(path, 1, 1, "not UTF-8", "save the file as UTF-8"))
        return None
    except OSError as e:
        problems.append(Problem(path, 1, 1, f"cannot be read: {e.strerror}"))
        return None
    return read_text(text, path, problems)


def read_text(text: str, path: Path, problems: list[Problem]) -> Node | None:
    """The same for text that is already there; `path` is only named in messages."""
    found: list[Problem] = []
    if not _characters(text, path, found):
        problems.extend(found)
        return None
    root: Node | None = None
    try:
        root = _Reader(path, found).document(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as e:
        found.append(_broken(e, text, path))
    except yaml.YAMLError as e:
        found.append(Problem(path, 1, 1, f"not YAML: {' '.join(str(e).split())[:120]}"))
    problems.extend(found)
    return root


def _broken(e: yaml.MarkedYAMLError, text: str, path: Path) -> Problem:
    """Where the structure breaks: at the character that was typed for another one, if there is."""
    marks = [mark for mark in (e.context_mark, e.problem_mark) if mark is not None]
    first, last = (marks[0].line, marks[-1].line) if marks else (0, 0)
    lines = list(enumerate(text.split("\n"), 1))
    # A line whose colon is none goes on in the next one, which is where that is noticed.
    for number, line in (*lines[first : last + 1], *lines[max(first - 1, 0) : first]):
        slip = slip_in(line)
        if slip is not None:
            return Problem(path, number, slip.at + 1, slip.message, slip.fix)
    # A key without its colon is missed only in the next line: it stands where it began.
    is_key = "simple key" in str(e.context)
    mark = marks[0 if is_key else -1] if marks else None
    line_column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    what = " ".join(str(e.problem or e.context or "broken structure").split())
    fix = "look at indentation, colons and quotes"
    return Problem(path, *line_column, f"not YAML here: {what}", fix)


def _characters(text: str, path: Path, found: list[Problem]) -> bool:
    """Whether the characters can be YAML at all; tabs are reported but do not stop the reading."""
    for number, line in enumerate(text.split("\n"), 1):
        tab = line.find("\t")
        if tab >= 0:
            fix = 'use spaces; inside text write \\t in "double quotes"'
            found.append(Problem(path, number, tab + 1, "a tab character", fix))
            if not line[:tab].strip(" "):
                return False  # indentation has no meaning any more
        bad = re.search(
            r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe]", line
        )
        if bad:
            what = f"the character U+{ord(bad.group()):04X} cannot stand in a file"
            found.append(Problem(path, number, bad.start() + 1, what, "remove it"))
            return False
    return True


@dataclass
class _Reader:
    path: Path
    found: list[Problem]
    depth: int = field(default=0)

    def document(self, events: Iterator[Any]) -> Node | None:
        root: Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._report(
                        event, "a second document in one file", "make it a file of its own"
                    )
                    return None
                if event.version or event.tags:
                    self._report(event, "a YAML directive", "remove the line that begins with %")
            elif not isinstance(
                event, yaml.StreamStartEvent | yaml.StreamEndEvent | yaml.DocumentEndEvent
            ):
                root = self._node(event, events)
        if root is None and not self.found:
            self.found.append(Problem(self.path, 1, 1, "the file is empty", "expected a mapping"))
        return root

    def _node(self, event: Any, events: Iterator[Any]) -> Node:
        if event.anchor is not None:
            what = "an alias (*)" if isinstance(event, yaml.AliasEvent) else "an anchor (&)"
            self._report(event, f"{what} is not allowed", "write the value out where it is used")
        if isinstance(event, yaml.AliasEvent):
            return self._at(event, None)
        if event.tag is not None:
            self._report(event, f"a tag ({event.tag}) is not allowed", "remove it")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            self._report(event, f"nested deeper than {_MAX_DEPTH} levels", "flatten it")
            _skip(events)
            node = self._at(event, None)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._list(event, events)
        else:
            node = self._mapping(event, events)
        self.depth -= 1
        return node

    def _list(self, start: Any, events: Iterator[Any]) -> Node:
        children: list[Node] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            children.append(self._node(event, events))
        return self._at(start, children)

    def _mapping(self, start: Any, events: Iterator[Any]) -> Node:
        entries: dict[str, tuple[Node, Node]] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event, events)
            value = self._node(next(events), events)
            if key is None:
                continue
            name = key.raw
            if name in entries:
                first = entries[name][0].line
                message = f"the key {name!r} stands twice (first in line {first})"
                self._report(event, message, "keep one of them")
                continue
            entries[name] = (key, value)
        return self._at(start, entries)

    def _key(self, event: Any, events: Iterator[Any]) -> Node | None:
        """Keys are text as written, so that `on:` stays `on`."""
        if not isinstance(event, yaml.ScalarEvent):
            self._node(event, events)
            self._report(event, "a key must be plain text", "write `name: value`")
            return None
        if event.anchor is not None or event.tag is not None:
            self._node(event, events)
        if event.value == "<<" and not event.style:
            self._report(event, "a merge key (<<) is not allowed", "write the entries out")
            return None
        return replace(self._at(event, event.value, event.value, bool(event.style)), is_key=True)

    def _scalar(self, event: Any) -> Node:
        text: str = event.value
        if event.style:  # libyaml says "" where PyYAML says None: both mean unquoted
            return self._at(event, text, text, True)
        value, message, fix = _resolve(text)
        if message:
            self._report(event, message, fix)
        return self._at(event, value, text)

    def _at(self, event: Any, value: Any, raw: str = "", quoted: bool = False) -> Node:
        mark = event.start_mark
        return Node(value, self.path, mark.line + 1, mark.column + 1, raw, quoted)

    def _report(self, event: Any, message: str, fix: str) -> None:
        mark = event.start_mark
        self.found.append(Problem(self.path, mark.line + 1, mark.column + 1, message, fix))


def _resolve(text: str) -> tuple[Scalar, str, str]:
    """What an unquoted scalar is: (value, message, fix); the message is "" where it is clear."""
    if text in _WORDS:
        return _WORDS[text], "", ""
    if _INT.fullmatch(text) and len(text) <= _MAX_DIGITS:
        return int(text), "", ""
    if _FRACTION.fullmatch(text):
        return float(text), "", ""
    lowered = text.lower()
    if lowered in _YES_NO:
        fix = f'write true or false, or "{text}" in quotes where the text is meant'
        return text, f"`{text}` is read differently by different programs", fix
    if lowered in _LOOSE_WORDS:
        word = "null" if lowered == "~" else lowered
        return text, f"`{text}` is not a word of YAML here", f"write {word}, or the text in quotes"
    if _OTHER_NUMBER.fullmatch(text):
        fix = f'write a plain decimal number, or "{text}" in quotes where a code or time is meant'
        return text, f"`{text}` is read as different numbers by different programs", fix
    return text, "", ""


def _skip(events: Iterator[Any]) -> None:
    """Consume the rest of a collection whose start was already taken."""
    depth = 1
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
            if depth == 0:
                return

"""What an input method leaves in YAML: characters that look like its own, blanks that are none.

Inside Chinese text they are what they should be. So they are named only where something is wrong
anyway, and only where they stand among ASCII, in the place of the character that YAML needs.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_ASCII: Final = {
    "\uff1a": ("full-width colon", ": and a space"),
    "\uff0c": ("full-width comma", ", and a space"),
    "\uff5b": ("full-width brace", "{"),
    "\uff5d": ("full-width brace", "}"),
    "\u3010": ("Chinese bracket", "["),
    "\u3011": ("Chinese bracket", "]"),
    "\uff3b": ("full-width bracket", "["),
    "\uff3d": ("full-width bracket", "]"),
    "\u201c": ("curly quote", '"'),
    "\u201d": ("curly quote", '"'),
    "\u2018": ("curly quote", "'"),
    "\u2019": ("curly quote", "'"),
}
"""By character what it is called, and what YAML needs."""
_BLANKS: Final = "\u3000\u00a0\u2002\u2003\u2009\u200b\u202f\ufeff"
_WORD: Final = r"[A-Za-z_][A-Za-z0-9_.]*"
_SYNTAX: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^ *([{_BLANKS}])",
        rf"[-:,\[{{]([{_BLANKS}])",
        rf"(?:^|[\[{{,]|- )\s*{_WORD}\s*(\uff1a)",
        r"[A-Za-z0-9_\]}\"'](\uff0c)\s*[A-Za-z0-9_\[{\"']",
        r"(?:^|[-:,\[{])\s*([\uff5b\u3010\uff3b])\s*[!-~]",
        r"[!-~]\s*([\uff5d\u3011\uff3d])\s*(?:$|[,}\]])",
        r"(?:^|[-:,\[{])\s*([\u201c\u2018])",
    )
)
"""Where such a character stands in the place of YAML's own."""
_AFTER_KEY: Final = re.compile("[a-z_.]+(\uff1a)")
_QUOTED: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|(?:^|\s)#.*")
_NO_SPACE: Final = re.compile(rf"(?:^\s*|- |[\[{{,]\s*)(?!urn:|https?:)({_WORD}):(?=\S)")


class Slip(NamedTuple):
    """What was typed, where in the text (from 0), and what to do."""

    at: int
    message: str
    fix: str


def slip_of(text: str, *, is_key: bool) -> Slip | None:
    """The slip in a scalar without quotes. Text with words of Chinese has none."""
    found = [n for n, c in enumerate(text) if c in _ASCII or c in _BLANKS]
    if found and all(c.isascii() or c in _ASCII or c in _BLANKS for c in text):
        return _named(text, found[0])
    if not is_key:
        return None
    colon = _AFTER_KEY.match(text)
    if colon is not None:  # whatever the text is that was meant to follow
        return _named(text, colon.start(1))
    colon = _NO_SPACE.match(text)
    return _without_space(colon) if colon is not None else None


def slip_in(line: str) -> Slip | None:
    """The slip in a line that is no YAML, outside of quotes and comments."""
    bare = _QUOTED.sub(lambda m: m[0][0] + " " * (len(m[0]) - 2) + m[0][-1:], line)
    matches = [m for pattern in _SYNTAX if (m := pattern.search(bare)) is not None]
    if matches:
        return _named(line, min(m.start(1) for m in matches))
    colon = _NO_SPACE.search(bare)
    return _without_space(colon) if colon is not None else None


def _named(text: str, at: int) -> Slip:
    character = text[at]
    if character in _ASCII:
        name, needed = _ASCII[character]
        return Slip(at, f"the {name} {character} is not the one of YAML", f"write {needed}")
    message = f"the blank U+{ord(character):04X} looks like a space and is none"
    return Slip(at, message, "write a space")


def _without_space(match: re.Match[str]) -> Slip:
    word = match[1]
    return Slip(match.end(), f"`{word}:` has no space after the colon", f"write `{word}: …`")

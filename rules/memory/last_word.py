"""What was said last of two subjects stands: that they are one person, or that they are not.

It stands by its time, whatever the order in which ties and partings become known. A parting that
comes while a tie is under way finds nobody to part; so it is remembered, and holds when the other
one arrives.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from rules.memory.model import NEVER_US, Memory, Word


def say(memory: Memory, of: str, other: str, at_us: int, *, parts: bool) -> bool:
    """Note what an event of the subject `of` says of it and another; whether that stands."""
    key, word = _key(of, other), Word(at_us, of, parts)
    known = memory.words.get(key)
    if known is not None and _weight(known) > _weight(word):
        return False
    memory.words[key] = word
    return True


def parted_since(memory: Memory, one: str, other: str, at_us: int) -> bool:
    """Whether it was said last that two are not one person, and not before a time."""
    known = memory.words.get(_key(one, other))
    return known is not None and known.parts and known.at_us >= at_us


def add(memory: Memory, words: Mapping[str, Word]) -> None:
    """Add what was said elsewhere; the same again changes nothing."""
    for key, word in words.items():
        known = memory.words.get(key)
        if known is None or _weight(word) > _weight(known):
            memory.words[key] = word


def partings(memory: Memory, here: Set[str], come: Set[str]) -> list[tuple[str, str]]:
    """Who is parted of those that were here and those that came: (subject of the event, other).

    What was said before their last tie does not count: the tie was said of all of them.
    """
    found = []
    tied_us = -NEVER_US
    for key, word in memory.words.items():
        one, other = key.split("\n")
        if (one in here and other in come) or (one in come and other in here):
            if word.parts:
                found.append((word.at_us, word.of, other if word.of == one else one))
            else:
                tied_us = max(tied_us, word.at_us)
    return [(of, other) for at_us, of, other in sorted(found) if at_us >= tied_us]


def _key(one: str, other: str) -> str:
    return "\n".join(sorted((one, other)))


def _weight(word: Word) -> tuple[int, bool, str]:
    return word.at_us, word.parts, word.of

"""Subjects that are one person: where the person is remembered, and how memories move.

A person is remembered at one subject, its home: the smallest of those that were tied, by name. So
memories move from larger names to smaller ones only, and whatever the order in which ties become
known, they come to one home. What moved leaves a stub behind, which passes on what still comes.

A subject that is told to leave before it has arrived leaves when it arrives (`last_word.py`).

Nothing is given away that is not remembered to be given: it lies in the outbox first, and a
message of a subject to itself (`go`) lets it go once that is written. So whatever arrives was true
of the subject that gave it, whoever is interrupted, and to give it twice gives the same.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from functools import partial
from hashlib import sha256
from typing import Final, NamedTuple

import msgspec

from contracts.event import EVENT_TYPES, Event
from contracts.identity import Subject
from contracts.tie import GO, JOIN, MOVED
from rules.memory import last_word
from rules.memory.instants import us_of
from rules.memory.merging import merge
from rules.memory.model import NEVER_US, Memory, Seen, decode, encode
from rules.memory.parting import parted

TIED: Final = "tied"
"""As a link of a home: this subject is the same person."""
AWAY: Final = "moved"
"""As the only link of a stub: this subject is its home, or knows it."""
TIES: Final = frozenset({"linked", "merged"})
PARTS: Final = "unlinked"
_DIGEST: Final = 16
_LONGEST: Final = 512

KnownSince = Callable[[], Mapping[str, int]]
"""Tells by family the time before which acts are not known of who leaves."""


class Mail(NamedTuple):
    """A message to a subject, wherever that is remembered."""

    kind: str
    to: str
    value: bytes = b""
    """Of `forward` the event as it came; "" where whoever has it fills it in."""


class Parcel(msgspec.Struct, array_like=True):
    """What `moved` brings: a memory, or only where the person is remembered now."""

    sender: str
    to: str
    """To whom it was given, whoever stands for that now."""
    generation: int
    memory: bytes = b""
    known: dict[str, int] = {}
    """By family the time before which acts are not known."""
    returns: bool = False
    """Whether the subject is a home again, with what is its own."""
    home: str = ""
    """Where the person is remembered now; there is no memory then."""


class Told(NamedTuple):
    """What a message led to."""

    step: str
    mails: tuple[Mail, ...] = ()
    digest: str = ""
    timers: tuple[str, ...] = ()
    """Those that were sent away."""


def home_of(memory: Memory) -> str:
    """Where a stub sends what comes; "" where the subject is remembered here."""
    for subject, how in memory.links.items():
        return subject if how == AWAY else ""
    return ""


def elsewhere(memory: Memory, own: str, subject: str) -> str:
    """Where what is for a subject is to be taken that came to `own`; "" where it is here.

    Whatever is for one that has left the person is sent to that itself.
    """
    home = home_of(memory)
    if not home:
        if subject == own or subject in memory.links:
            return ""
        home = subject
    return own if memory.outbox else home


def tied(event: Event, memory: Memory, own: str, known: KnownSince) -> tuple[Mail, ...]:
    """What an event about identities leads to at the home of its subject."""
    family, verb, _ = EVENT_TYPES[event.type]
    if family != "patient":
        return ()
    one, at_us = event.subject, us_of(event.time)
    other = getattr(event.data, "other_subject", None)
    if not isinstance(other, str) or not (_is_subject(one) and _is_subject(other)):
        return ()
    if other == one or not (verb in TIES or verb == PARTS):
        return ()
    if not last_word.say(memory, one, other, at_us, parts=verb == PARTS):
        return ()
    if verb == PARTS:
        return _part(memory, own, one, other, known)
    return join(memory, own, asking(one, other, at_us), known).mails


def asking(to: str, other: str, at_us: int) -> bytes:
    """That `to` and `other` are one person, as was said then, whoever stands for `to` now."""
    return f"{to}\n{other}\n{at_us}".encode()


def join(memory: Memory, own: str, asked: bytes, known: KnownSince) -> Told:
    """Which of two subjects that are one person leaves for the other."""
    to, other, *said = asked.decode().split("\n")
    at_us = int(said[0]) if said else NEVER_US  # earlier versions did not say when
    home = elsewhere(memory, own, to)
    if home:
        return Told("passes", (Mail(JOIN, home, asked),))
    if memory.outbox:
        return Told("waits", (Mail(JOIN, own, asked),))
    if other == own or other in memory.links or last_word.parted_since(memory, to, other, at_us):
        return Told("nothing")
    if other > own:
        return Told("asks", (Mail(JOIN, other, asking(other, own, at_us)),))
    parcel = _packed(own, other, memory, memory.generation, known)
    _leave(memory, other, parcel)
    return Told("leaves", (Mail(GO, own),), digest_of(parcel))


def go(memory: Memory, own: str, *, is_written: bool) -> Told:
    """Send what is given away, where it is written that it is."""
    if not memory.outbox:
        return Told("nothing")
    if not is_written:
        return Told("waits", (Mail(GO, own),))
    mails = tuple(Mail(MOVED, to, value) for to, value in memory.outbox.items())
    memory.outbox = {}
    values = [mail.value for mail in mails]
    timers = sorted(name for value in values for name in given(value).timers)
    return Told("sends", mails, digest_of(*values), tuple(timers))


def arrive(memory: Memory, own: str, value: bytes, known: KnownSince) -> Told:
    """Take what was given. Raises msgspec.DecodeError or zlib.error for other bytes."""
    parcel = _opened(value)
    digest, home = digest_of(value), home_of(memory)
    if parcel.home:
        if not home or home == parcel.home or parcel.generation < memory.generation:
            return Told("nothing", (), digest)
        memory.links = {parcel.home: AWAY}
        return Told("points", (), digest)
    onward = "" if parcel.returns else elsewhere(memory, own, parcel.to)
    if onward:
        return Told("passes", (Mail(MOVED, onward, value),), digest)
    mark = mark_of(value)
    if mark in memory.seen:
        return Told("nothing", (), digest)
    if home:
        memory.links = {}
    here, moved = {own, *memory.links}, decode(parcel.memory)
    merge(memory, own, moved, own if parcel.returns else parcel.sender, parcel.known)
    others = moved.links if parcel.returns else {parcel.sender: TIED, **moved.links}
    memory.links |= {subject: TIED for subject in others if subject != own}
    memory.generation = max(memory.generation, parcel.generation + 1)
    memory.seen[mark] = Seen("", memory.latest_us)
    if parcel.returns:
        return Told("returns", (), digest)
    mails: tuple[Mail, ...] = ()
    for one, other in last_word.partings(memory, here, {*others}):
        mails = _part(memory, own, one, other, known) or mails
    return Told("arrives", mails, digest)


def found(memories: Mapping[str, Memory], subject: str) -> str:
    """Who remembers a subject, where all are in one place and no message is under way."""
    own = subject
    while own in memories and (home := elsewhere(memories[own], own, subject)):
        own = home
    return own


def delivered(
    memories: MutableMapping[str, Memory], mails: Iterable[Mail],
    known: Callable[[Memory], Mapping[str, int]], marks: Iterator[int],
) -> set[str]:  # fmt: skip
    """Deliver messages and what they lead to, where all are in one place; whom they changed.

    `marks` number the messages: whoever hears one remembers it, as of messages that are sent.
    """
    waiting, changed = deque(mails), set()
    while waiting:
        mail = waiting.popleft()
        memory = memories.setdefault(mail.to, Memory())
        if mail.kind == JOIN:
            told = join(memory, mail.to, mail.value, partial(known, memory))
        elif mail.kind == GO:
            told = go(memory, mail.to, is_written=True)
        else:
            told = arrive(memory, mail.to, mail.value, partial(known, memory))
        memory.seen[f"\x1f{next(marks)}"] = Seen("", memory.latest_us)
        changed.add(mail.to)
        waiting.extend(told.mails)
    return changed


def digest_of(*values: bytes) -> str:
    """Names what was given, but for its timers.

    This must follow from the order of record, and older logs have no place in it for one that
    fired with nothing to say.
    """
    digest = sha256()
    for value in values:
        parcel, memory = _opened(value), given(value)
        memory.timers, memory.kept = {}, {}
        parcel.memory = encode(memory)
        digest.update(_encode(parcel))
    return digest.hexdigest()[:_DIGEST]


def mark_of(value: bytes) -> str:
    """Under what it is remembered that something arrived."""
    return f"\x1f{sha256(zlib.decompress(value)).hexdigest()[:_DIGEST]}"


def given(value: bytes) -> Memory:
    """The memory that is given; an empty one where none is."""
    memory = _opened(value).memory
    return decode(memory) if memory else Memory()


def _part(memory: Memory, own: str, one: str, other: str, known: KnownSince) -> tuple[Mail, ...]:
    """`other` leaves the person of `one`; where it is the home, all others leave it."""
    person = {own, *memory.links}
    if home_of(memory) or one == other or not {one, other} <= person:
        return ()
    leaving = {other} if other != own else person - {own}
    to = min(leaving)
    part = parted(memory, leaving, to)
    part.links = dict.fromkeys(sorted(leaving - {to}), TIED)
    gifts = {to: _packed(own, to, part, memory.generation, known, returns=True)}
    # Whoever stands for one of the others must know where they are now, or not lose them.
    home = own if other != own else to
    for one in sorted(person - {own, to}):
        gifts[one] = _written(Parcel(own, one, memory.generation, home=home))
    memory.links = {subject: how for subject, how in memory.links.items() if subject not in leaving}
    memory.outbox |= gifts
    return (Mail(GO, own),)


def _leave(memory: Memory, home: str, parcel: bytes) -> None:
    """Nothing stays but where to send what comes, and which events were answered here."""
    empty = Memory(latest_us=memory.latest_us, seen=memory.seen, generation=memory.generation)
    for name in memory.__struct_fields__:
        setattr(memory, name, getattr(empty, name))
    memory.links, memory.outbox = {home: AWAY}, {home: parcel}


def _packed(
    own: str, to: str, part: Memory, generation: int, known: KnownSince, *, returns: bool = False
) -> bytes:
    return _written(Parcel(own, to, generation, encode(part), dict(known()), returns))


def _opened(value: bytes) -> Parcel:
    return _read(zlib.decompress(value))


def _written(parcel: Parcel) -> bytes:
    return zlib.compress(_encode(parcel), 1)


def _is_subject(text: str) -> bool:
    return len(text) <= _LONGEST and "\n" not in text and Subject.parse(text) is not None


_encode = msgspec.msgpack.Encoder(decimal_format="string").encode
_read = msgspec.msgpack.Decoder(Parcel).decode

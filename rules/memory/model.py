"""What is remembered of one subject: the acts of its timeline, its own facts, what is waited for.

Values of facts are kept as JSON has them, so that a memory that was written and read again is
equal to one that never left the process. Times are microseconds since 1970, UTC.
"""

from __future__ import annotations

from copy import copy
from operator import attrgetter
from typing import Any, Final, TypeAlias

import msgspec

SCHEMA: Final = 1
NEVER_US: Final = 2**63 - 1
TIMELESS: Final = ("birth_date", "sex")
"""Facts of the person that hold at any time."""

Raw: TypeAlias = Any
"""A fact's value as JSON has it; see rules.facts.restoring."""


class Line(msgspec.Struct, array_like=True, omit_defaults=True, gc=False):
    """One line of an act, with the facts that rules look back at."""

    id: str
    facts: dict[str, Raw]
    at_us: int | None = None
    """Its own service time, where it has one."""
    stands: bool | None = True
    """Whether anything is left of it after what came back; None: nobody knows."""


class Act(msgspec.Struct, array_like=True, omit_defaults=True):
    """One act, as its latest revision says it."""

    source: str
    family: str
    act_id: str
    revision: int
    verb: str
    """What the latest revision did to it."""
    at_us: int
    """The service time of the latest revision, else the time of its event."""
    reached: dict[str, int]
    """Verb to the time of the event that first brought the act there."""
    facts: dict[str, Raw]
    lines: list[Line]
    encounter: str = ""
    """The id of its visit; "" where that is not reported."""
    event_id: str = ""
    """Of the latest revision's event."""
    event_us: int = 0
    """The time of that event."""
    is_timed: bool = False
    """Whether `at_us` is a service time that the source reported."""
    removed: str = ""
    """The voiding verb after which it no longer counts, or counts only where carried out."""
    stands: bool | None = True
    """Whether anything is left of it after what came back; None: nobody knows."""

    @property
    def key(self) -> str:
        return act_key(self.source, self.family, self.act_id)


class Seen(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """An event that was answered: by its key, what its content was, and when."""

    digest: str
    at_us: int


class Said(msgspec.Struct, array_like=True, omit_defaults=True, gc=False):
    """A statement about the patient: a fact's value, since when, and who said so."""

    value: Raw
    at_us: int
    source: str = ""
    of: str = ""
    """The subject whose event said so, where it is not the one that is remembered here."""
    act: int = 0
    """The act that it was said with, in short."""


class Statements(msgspec.Struct, array_like=True, gc=False):
    """What one subject said of itself, as it would be remembered of it alone."""

    said: dict[str, Said] = {}
    runs: dict[str, list[Said]] = {}


class Word(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """What was said last of two subjects: that they are one person, or that they are not."""

    at_us: int
    of: str
    """The subject of the event that said so: if they part, the other one leaves its person."""
    parts: bool = False


class Measured(msgspec.Struct, array_like=True, omit_defaults=True, gc=False):
    """One measured value of an analyte, as the source wrote it."""

    value: Raw
    """`{value, unit}`, a word, or None where there is neither."""
    at_us: int
    code: tuple[str, str] = ("", "")
    """System and code, as the source wrote them."""
    act: str = ""
    """The key of the act that measured it; "": said along with another one."""
    revision: int = 0
    is_void: bool = False
    """It was corrected, or taken back."""
    of: str = ""
    """The subject whose event said so, where it is not the one that is remembered here."""


class Step(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One thing that a timer does: `remind`, `due`, `escalate1` …, so long after it is due."""

    name: str
    after_us: int


class Timer(msgspec.Struct, array_like=True, omit_defaults=True):
    """Something that happens unless an event prevents it."""

    id: str
    """The cause of the decision that it leads to, and the event that set it."""
    kind: str
    """`late` (rules that wait for late data) or `duty` (an `expect` of a rule)."""
    fire_us: int
    """When the source's clock has this time it fires; NEVER_US where nothing is left to fire, or
    what it waits for has come."""
    source: str
    event: str
    """The key of the kept event that set it."""
    scope: str = "patient"
    """The scope of the decisions that it leads to."""
    act: str = ""
    """The key of the act that is waited for something."""
    rule: str = ""
    version: int = 0
    element: str = ""
    revision: int = 0
    """Of the act, as it brought the duty."""
    from_us: int = 0
    due_us: int = 0
    """When the expected event must have happened, as it stood when the duty arose."""
    grace_us: int = 0
    extend_us: int = 0
    """How long after an extending event it is due at the earliest."""
    match: list[Raw] = []
    """The values of the facts in which an event must agree."""
    this: dict[str, Raw] = {}
    """Facts of the present that the expected event is compared with."""
    steps: list[Step] = []
    """What it still does, in order."""
    fired: list[str] = []
    """The causes of decisions that stand because of it."""
    is_late: bool = False
    """Whether what was expected came, with a time that nobody can trust."""
    by: str = ""
    """The key of the act that fulfilled or ended it: that may be taken back, and then it wakes."""
    done: list[Step] = []
    """What it did, in order."""
    woken: str = ""
    """The key of the event that brought it back last."""
    is_denied: bool = False
    """Whether the rule would not expect anything of the act as its latest revision says it."""
    extended_us: int = 0
    """How much later than `due_us` it was due, as far as was known, when it told something."""
    every_us: int = 0
    """After it was missed it is due again so much later; 0: it is missed once."""


class Kept(msgspec.Struct, array_like=True, omit_defaults=True, gc=False):
    """An event that is decided about again: its bytes, its digest, and by how many timers."""

    value: bytes
    digest: str
    uses: int = 1
    until_us: int = 0
    """Until then it is asked, as the latest revision of its act, what earlier ones that come late
    may bring; 0: not at all."""


class Sent(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """The groups that an act belongs to, and the revision that says so."""

    revision: int
    event_us: int
    event_id: str
    keys: tuple[str, ...]


class Delivered(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """What the audience of a finding was told, see rules.memory.delivery."""

    alert_id: str
    decision_id: str
    act: str
    element: str
    audience: tuple[str, ...]
    severity: str
    result: str
    at_us: int
    until_us: int
    doses: dict[str, Raw]


class Memory(msgspec.Struct, array_like=True, omit_defaults=True):
    """Everything that is remembered of one subject."""

    schema: int = SCHEMA
    latest_us: int = 0
    """The latest event time so far: what is old is old against this."""
    seen: dict[str, Seen] = {}
    """By `event_key`."""
    acts: dict[str, Act] = {}
    """By `act_key`, in the order in which they were first heard of."""
    said: dict[str, Said] = {}
    """Facts of the person by field name (`birth_date`, `sex`, `pregnant` …)."""
    allergies: dict[str, Raw] = {}
    """Act key to the listing that a statement about allergies holds."""
    conditions: dict[str, Raw] = {}
    """Act key to a diagnosis that stands apart from any act."""
    measured: dict[str, list[Measured]] = {}
    """Analyte id to its latest values, oldest first."""
    timers: dict[str, Timer] = {}
    kept: dict[str, Kept] = {}
    """Events that timers will decide about, or that revisions are asked of, by `event_key`."""
    delivered: dict[str, list[Delivered]] = {}
    """What was told within `once_within`, by rule, phase and key."""
    former: dict[str, list[Act]] = {}
    """Act key to what the act was said to be before, as long as a rule may wait that asks how it
    was then; see rules.memory.versions."""
    links: dict[str, str] = {}
    """Other subjects of the same person, and how they are tied; see rules.memory.ties."""
    ended: dict[str, int] = {}
    """Visit to the time of its end."""
    groups: dict[str, Sent] = {}
    """Act key to the groups that the act belongs to."""
    forgotten: dict[str, int] = {}
    """Family to the time before which acts may have been dropped."""
    runs: dict[str, list[Said]] = {}
    """Facts of the person that change: since when which value was said, oldest first."""
    came: dict[str, str] = {}
    """Act key to the subject whose event the act came with, where that is one of `links`."""
    outbox: dict[str, bytes] = {}
    """Subject to what is given to it, until that is sent."""
    generation: int = 0
    """How often what is remembered here moved from one subject to another."""
    words: dict[str, Word] = {}
    """By two subjects in the order of their names, a line each; see rules.memory.last_word."""
    said_by: dict[str, Statements] = {}
    """Of a person of whom several subjects said something, what each did; "": the one that is
    remembered here. `said` and `runs` are all of that together."""

    @property
    def next_us(self) -> int:
        """The earliest time at which one of its timers fires."""
        return min((timer.fire_us for timer in self.timers.values()), default=NEVER_US)

    @property
    def is_empty(self) -> bool:
        return not (
            self.seen or self.acts or self.said or self.timers or self.measured or self.links
            or self.allergies or self.conditions or self.delivered or self.groups
            or self.outbox or self.words
        )  # fmt: skip


_PLAIN: Final = 2
"""So many fields come before those that are dicts."""
_LAST: Final = Memory.__struct_fields__.index("generation")
_plain = attrgetter(*Memory.__struct_fields__[:_PLAIN])
_stores = attrgetter(*Memory.__struct_fields__[_PLAIN:_LAST])


def copied(memory: Memory) -> Memory:
    """An equal memory: what is done to the one does not show in the other.

    Values are shared, for they are replaced and never changed; but for timers.
    """
    twin = Memory(*_plain(memory), *map(dict.copy, _stores(memory)))
    twin.generation = memory.generation
    twin.words, twin.said_by = memory.words.copy(), memory.said_by.copy()
    for name, timer in memory.timers.items():
        own = twin.timers[name] = copy(timer)
        own.steps, own.done, own.fired = timer.steps.copy(), timer.done.copy(), timer.fired.copy()
    return twin


def event_key(source: str, event_id: str) -> str:
    """One word for an event's key; no two events share it."""
    return f"{source}\x1f{event_id}"


def act_key(source: str, family: str, act_id: str) -> str:
    """An act is known by its source: two systems number their acts alike."""
    return f"{source}\x1f{family}\x1f{act_id}"


_encode = msgspec.msgpack.Encoder(decimal_format="string").encode
_decode = msgspec.msgpack.Decoder(Memory).decode


def encode(memory: Memory) -> bytes:
    """The memory as bytes; equal memories give equal bytes."""
    return _encode(memory)


def decode(raw: bytes) -> Memory:
    """The memory of its bytes. Raises msgspec.DecodeError for others."""
    return _decode(raw)

"""Names that never change: of events, decisions and alerts, and the partition a patient lives in.

Every identifier is derived from the event key (source, id), so that evaluating an event again
arrives at the same names and a store can absorb the repetition.
"""

from __future__ import annotations

from hashlib import sha1
from typing import NamedTuple

# The root of every derived id. A new value would rename all history: it is a constant for ever.
_NAMESPACE = bytes.fromhex("6f1f3a52c0de5b6f8a5d9a3d1c0b7e42")

_SEPARATOR = "\x1f"  # ASCII unit separator: it cannot stand in an id, so no two lists collide

_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""RFC 9562's variant bits over a hex digit."""


class EventKey(NamedTuple):
    """What makes an event the same event, as CloudEvents 1.0 says: its source and its id."""

    source: str
    id: str


class Subject(NamedTuple):
    """A patient as one source system names them."""

    namespace: str
    id: str

    def __str__(self) -> str:
        return f"{self.namespace}|{self.id}"

    @classmethod
    def parse(cls, text: str) -> Subject | None:
        """The subject of `namespace|id`, or None where either part is missing."""
        namespace, bar, identifier = text.partition("|")
        return cls(namespace, identifier) if bar and namespace and identifier else None


def derived_id(*parts: str) -> str:
    """A UUIDv5 of the parts, as text. The same parts give the same id in every process."""
    name = _SEPARATOR.join(parts)
    try:
        raw = name.encode()  # much faster without a word about surrogates
    except UnicodeEncodeError:
        raw = name.encode("utf-8", "surrogatepass")
    text = sha1(_NAMESPACE + raw, usedforsecurity=False).hexdigest()
    variant = _VARIANT[text[16]]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


def decision_id(key: EventKey, scope: str = "patient", cause: str = "event") -> str:
    """The name of the decision about an event, for one scope and one cause."""
    return derived_id("decision", key.source, key.id, scope, cause)


def alert_id(key: EventKey, cause: str, rule_id: str, rule_version: int, element: str) -> str:
    """The name of the alert that one version of a rule gives for one element of an event."""
    return derived_id("alert", key.source, key.id, cause, rule_id, str(rule_version), element)


def murmur2(data: bytes) -> int:
    """Kafka's 32-bit murmur2 of a record key, as the Java client computes it."""
    length = len(data)
    m = 0x5BD1E995
    h = 0x9747B28C ^ length
    end = length & ~3
    for i in range(0, end, 4):
        k = int.from_bytes(data[i : i + 4], "little") * m & 0xFFFFFFFF
        h = (h * m & 0xFFFFFFFF) ^ ((k ^ k >> 24) * m & 0xFFFFFFFF)
    rest = length - end
    if rest:
        h = (h ^ int.from_bytes(data[end:], "little")) * m & 0xFFFFFFFF
    h = (h ^ h >> 13) * m & 0xFFFFFFFF
    return h ^ h >> 15


def partition_of(key: bytes, partitions: int) -> int:
    """The partition in which Kafka's default (Java) partitioner puts a key."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions

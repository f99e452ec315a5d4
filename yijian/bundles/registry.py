"""The bundles topic as publishers see it: what is there, what is in force, and how to change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from types import MappingProxyType
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Producer

from contracts.bundle import (
    ACTIVATION_TYPE,
    MAX_BUNDLE_BYTES,
    SEQUENCE_DIGITS,
    Activation,
    Manifest,
    Refusal,
    Signed,
    Why,
    activation_key,
    content_key,
    read_bundle,
    read_manifest,
    read_signed,
)
from contracts.decision import encode_record
from streams.bundles.topic import TopicAddress
from yijian.bundles.errors import PublishFault, RefusedBundle
from yijian.bundles.following import address, checked_activation
from yijian.bundles.loading import open_bundle
from yijian.bundles.signing import Signer, Trusted
from yijian.settings import Settings

_READ_S: Final = 0.2
_STALLED_S: Final = 30.0
"""So long nothing came, though the end is not reached: the broker is away."""
_CONFIRM_S: Final = 30.0
_LEAST_PREFIX: Final = 6
_KEY_HEADROOM: Final = 4096


@dataclass(frozen=True)
class Stored:
    """One content of the topic. Its manifest is as its publisher wrote it, checked or not."""

    digest: str
    raw: bytes
    manifest: Manifest | None
    key: str

    @property
    def bytes(self) -> int:
        return len(self.raw)


@dataclass
class Shelf:
    """What the topic held when it was read."""

    channel: str
    contents: dict[str, Stored] = field(default_factory=dict)
    activations: dict[int, Activation] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)
    """Ids of the keys that signed the activations, by sequence."""
    refused: dict[int, Refusal] = field(default_factory=dict)
    """Activations that workers with these trusted keys do not follow, by sequence."""

    @property
    def in_force(self) -> Activation | None:
        """The latest activation that may be followed; whether its bundle loads is not asked."""
        return self.activations[max(self.activations)] if self.activations else None

    @property
    def next_sequence(self) -> int:
        return max(self.activations, default=0) + 1

    def is_settled(self, digest: str, key: str, content_key: str) -> bool:
        """Whether a digest is in force, activated with one key and its content signed with another.

        A digest that only an older key vouches for is activated anew: when workers stop trusting
        that key, they would have nothing.
        """
        current, stored = self.in_force, self.contents.get(digest)
        if current is None or current.digest != digest or stored is None:
            return False
        return (self.keys.get(current.sequence), stored.key) == (key, content_key)

    def find(self, prefix: str) -> Stored:
        """The content whose digest begins so. Raises PublishFault unless there is exactly one."""
        found = [stored for digest, stored in self.contents.items() if digest.startswith(prefix)]
        if len(prefix) < _LEAST_PREFIX:
            raise PublishFault(f"{prefix}: give at least {_LEAST_PREFIX} digits of the digest")
        if len(found) != 1:
            what = f"{len(found)} bundles begin so" if found else "there is no such bundle"
            raise PublishFault(f"{prefix}: {what}; `yijian rules bundles` lists them")
        return found[0]

    def activated(self, digest: str) -> list[Activation]:
        """When a digest came into force, the latest first."""
        return [a for _, a in sorted(self.activations.items(), reverse=True) if a.digest == digest]

    def status(self, digest: str) -> str:
        """`in_force`, `earlier` or `never_activated`."""
        current = self.in_force
        if current is not None and current.digest == digest:
            return "in_force"
        return "earlier" if self.activated(digest) else "never_activated"


def read_shelf(settings: Settings, trusted: Trusted | None) -> Shelf:
    """Everything the topic holds now. Without `trusted`, activations are believed as they stand.

    Raises BrokerError or KafkaException where the topic cannot be read, or does not go on.
    """
    shelf = Shelf(settings.bundle_channel)
    reader = address(settings).open()
    try:
        reader.ask_end()
        came_at = monotonic()
        while not reader.caught_up:
            for entry in reader.read(_READ_S):
                _shelve(shelf, entry.key or b"", entry.value, trusted)
                came_at = monotonic()
            if monotonic() - came_at > _STALLED_S:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
    finally:
        reader.close()
    return shelf


def _shelve(shelf: Shelf, key: bytes, value: bytes | None, trusted: Trusted | None) -> None:
    kind, _, rest = key.decode("ascii", "replace").partition("/")
    if kind == "content":
        shelf.contents.pop(rest, None)
        if value is not None:
            shelf.contents[rest] = _stored(rest, value)
        return
    channel, _, number = rest.partition("/")
    if kind != "activation" or channel != shelf.channel:
        return
    sequence = int(number) if number.isdigit() and len(number) == SEQUENCE_DIGITS else 0
    shelf.refused.pop(sequence, None)
    if value is None:
        shelf.activations.pop(sequence, None)
        return
    judged = checked_activation(key, value, trusted)
    if isinstance(judged, Refusal):
        shelf.refused[sequence] = judged  # as workers see it: it takes the place of nothing
    else:
        shelf.activations[sequence] = judged
        signed = read_signed(value)
        shelf.keys[sequence] = signed.key if isinstance(signed, Signed) else ""


def _stored(digest: str, value: bytes) -> Stored:
    bundle = read_bundle(value)
    if isinstance(bundle, Refusal):
        return Stored(digest, value, None, "")
    manifest = read_manifest(bundle.manifest.payload)
    known = manifest if isinstance(manifest, Manifest) else None
    return Stored(digest, value, known, bundle.manifest.key)


@dataclass(frozen=True)
class Wish:
    """Who wants a bundle in force, why, and when."""

    signer: Signer
    author: str
    at: datetime
    note: str = ""


def publish(settings: Settings, raw: bytes, wish: Wish, trusted: Trusted | None) -> Activation:
    """Broadcast a signed bundle and put it in force; the broker has confirmed both.

    The caller has made sure that workers can load it. Raises PublishFault or KafkaException.
    """
    opened = open_bundle(raw, None)
    if isinstance(opened, Refusal):
        raise PublishFault(str(opened))
    digest = opened.manifest.digest
    return activate(settings, digest, wish, trusted, {content_key(digest): raw})


def activate(
    settings: Settings,
    digest: str,
    wish: Wish,
    trusted: Trusted | None,
    before: Mapping[bytes, bytes] = MappingProxyType({}),
) -> Activation:
    """Put a bundle in force that the topic holds, or that stands in the records `before`.

    Raises RefusedBundle where workers would not follow this signer; PublishFault; KafkaException.
    """
    if trusted is not None and wish.signer.key_id not in trusted:
        detail = (
            f"the key {wish.signer.key_id} ({wish.signer.name}) is not among YIJIAN_BUNDLE_KEYS"
        )
        raise RefusedBundle(Refusal(Why.UNKNOWN_KEY, detail))
    activation = Activation(
        channel=settings.bundle_channel,
        sequence=read_shelf(settings, trusted).next_sequence,
        digest=digest,
        at=wish.at,
        author=wish.author,
        note=wish.note,
    )
    signed = wish.signer.sign(ACTIVATION_TYPE, encode_record(activation))
    key = activation_key(activation.channel, activation.sequence)
    where = address(settings)
    # The content first, and confirmed: an activation never points at what is not there.
    produce(where, {**before, key: encode_record(signed)})
    latest = read_shelf(settings, trusted).in_force
    if latest != activation:
        raise PublishFault(
            "somebody else published at the same moment and theirs is in force: look at "
            "`yijian rules bundles` and publish again if yours is meant"
        )
    return activation


def produce(where: TopicAddress, records: Mapping[bytes, bytes | None]) -> None:
    """Put records into the topic, each confirmed by the broker before the next.

    Raises PublishFault where one is not confirmed.
    """
    failures: list[str] = []
    producer = Producer(
        {
            **where.options,
            "bootstrap.servers": where.bootstrap,
            "enable.idempotence": True,
            "acks": "all",
            "message.max.bytes": MAX_BUNDLE_BYTES + _KEY_HEADROOM,
            "message.timeout.ms": int(_CONFIRM_S * 1000),
            "log_level": 0,
        }
    )
    for key, value in records.items():
        try:
            producer.produce(
                where.topic,
                value,
                key,
                partition=0,
                on_delivery=lambda error, _: failures.append(error.str()) if error else None,
            )
            left = producer.flush(_CONFIRM_S + 5)
        except KafkaException as error:
            raise PublishFault(f"the broker does not take it: {error.args[0].str()}") from None
        if failures or left:
            what = failures[0] if failures else "no answer"
            raise PublishFault(
                f"the broker did not confirm: {what}; look at `yijian rules bundles` for what is "
                "in force"
            )

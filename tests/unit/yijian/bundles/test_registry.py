"""What a publisher makes of the bundles topic, with a topic in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka import KafkaException

from contracts.bundle import (
    ACTIVATION_TYPE,
    Activation,
    activation_key,
    content_key,
    digest_of,
)
from contracts.decision import encode_record
from streams.bundles.topic import Entry
from support import bundle_files
from yijian import settings
from yijian.bundles import registry
from yijian.bundles.registry import Shelf, read_shelf
from yijian.bundles.signing import Signer

A, B = ("a" * 64, "b" * 64)


@dataclass
class FakeReader:
    entries: list[Entry]
    at_end: bool = True

    @property
    def caught_up(self) -> bool:
        return self.at_end and not self.entries

    def open(self) -> FakeReader:
        return self

    def ask_end(self) -> None: ...

    def read(self, timeout_s: float) -> Iterator[Entry]:
        yield from self.entries
        self.entries = []

    def close(self) -> None: ...


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return bundle_files.signer(tmp_path)


def activation(signer: Signer, sequence: int, digest: str) -> tuple[bytes, bytes]:
    made = Activation(
        channel="main",
        sequence=sequence,
        digest=digest,
        at=datetime(2026, 3, 1, tzinfo=UTC),
        author="tester",
    )
    signed = signer.sign(ACTIVATION_TYPE, encode_record(made))
    return activation_key("main", sequence), encode_record(signed)


def shelf(
    monkeypatch: pytest.MonkeyPatch, signer: Signer, *records: tuple[bytes, bytes | None]
) -> Shelf:
    entries = [Entry(n, key, value) for n, (key, value) in enumerate(records)]
    monkeypatch.setattr(registry, "address", lambda _: FakeReader(entries))
    return read_shelf(settings.load({}), signer.as_trusted())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (activation_key("main", 2), b"forged"),
        (b"activation/main/2", b"forged"),
        (b"activation/main/2", None),
    ],
)
def test_what_nobody_trusted_signed_takes_the_place_of_nothing(
    monkeypatch: pytest.MonkeyPatch, signer: Signer, key: bytes, value: bytes | None
) -> None:
    real = [activation(signer, 1, A), activation(signer, 2, B)]
    found = shelf(monkeypatch, signer, *real, (key, value))
    assert found.in_force is not None
    assert (found.in_force.digest, found.next_sequence) == (B, 3)
    assert len(found.refused) == (value is not None)


def test_an_activation_that_is_signed_after_all_is_refused_no_longer(
    monkeypatch: pytest.MonkeyPatch, signer: Signer
) -> None:
    found = shelf(
        monkeypatch, signer, (activation_key("main", 1), b"forged"), activation(signer, 1, A)
    )
    assert found.in_force is not None
    assert found.refused == {}
    key = activation_key("main", 1)
    assert shelf(monkeypatch, signer, activation(signer, 1, A), (key, None)).in_force is None


def test_a_topic_that_does_not_go_on_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "_STALLED_S", 0.05)
    monkeypatch.setattr(registry, "address", lambda _: FakeReader([], at_end=False))
    with pytest.raises(KafkaException):
        read_shelf(settings.load({}), None)


def test_what_only_another_key_vouches_for_is_not_settled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old, new = (bundle_files.signer(tmp_path, name) for name in ("old", "new"))
    digest = digest_of(bundle_files.files())
    content = content_key(digest), bundle_files.bundle(bundle_files.files(), old)
    found = shelf(monkeypatch, old, content, activation(old, 1, digest))
    assert found.is_settled(digest, old.key_id, old.key_id)
    assert not found.is_settled(digest, new.key_id, old.key_id)
    assert not found.is_settled(digest, old.key_id, new.key_id)
    assert not found.is_settled(A, old.key_id, old.key_id)

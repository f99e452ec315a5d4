"""Keys: made so that only their owner reads them, and never shown."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from contracts.bundle import ACTIVATION_TYPE, MANIFEST_TYPE, Signed, Why
from yijian.bundles.errors import KeyFault
from yijian.bundles.signing import Trusted, generate, read_signer, read_trusted


def test_only_the_owner_reads_a_private_key(tmp_path: Path) -> None:
    made = generate(tmp_path / "keys", "house")
    assert stat.S_IMODE(made.private.stat().st_mode) == 0o600
    assert read_signer(made.private).key_id == made.key_id
    made.private.chmod(0o640)
    with pytest.raises(KeyFault, match="chmod 600"):
        read_signer(made.private)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    made = generate(tmp_path, "house")
    before = made.private.read_bytes()
    with pytest.raises(KeyFault, match="exists"):
        generate(tmp_path, "house")
    made.public.unlink()
    with pytest.raises(KeyFault, match="exists"):
        generate(tmp_path, "house")
    assert made.private.read_bytes() == before


def test_a_signature_holds_for_its_key_kind_and_payload_alone(tmp_path: Path) -> None:
    signer, other = (read_signer(generate(tmp_path, n).private) for n in ("one", "two"))
    signed = signer.sign(MANIFEST_TYPE, b"payload")
    trusted = signer.as_trusted()
    replace = msgspec.structs.replace
    assert trusted.check(MANIFEST_TYPE, signed) is None
    for changed, why in (
        (replace(signed, payload=b"Payload"), Why.BAD_SIGNATURE),
        (replace(signed, signature=b""), Why.BAD_SIGNATURE),
        (replace(signed, signature=b"x" * 64), Why.BAD_SIGNATURE),
        (replace(signed, signature=signed.signature + b"x"), Why.BAD_SIGNATURE),
        (replace(signed, key=other.key_id), Why.UNKNOWN_KEY),
        (replace(signed, key=""), Why.UNKNOWN_KEY),
        (other.sign(MANIFEST_TYPE, b"payload"), Why.UNKNOWN_KEY),
        (replace(other.sign(MANIFEST_TYPE, b"payload"), key=signer.key_id), Why.BAD_SIGNATURE),
        (Signed(payload=b"payload"), Why.UNSIGNED),
    ):
        refusal = trusted.check(MANIFEST_TYPE, changed)
        assert refusal is not None
        assert refusal.why is why
    refusal = trusted.check(ACTIVATION_TYPE, signed)
    assert refusal is not None
    assert refusal.why is Why.BAD_SIGNATURE


def test_trust_is_read_from_files_and_folders(tmp_path: Path) -> None:
    one, two = generate(tmp_path / "a", "one"), generate(tmp_path / "b", "two")
    trusted = read_trusted([tmp_path / "a", two.public])
    assert trusted.names == dict(sorted({one.key_id: "one", two.key_id: "two"}.items()))
    assert not Trusted({})


def test_what_cannot_be_trusted_is_said(tmp_path: Path) -> None:
    made = generate(tmp_path / "keys", "house")
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.pem").write_text("hello")
    (tmp_path / "mixed").mkdir()
    (tmp_path / "mixed" / "house.pem").write_bytes(made.private.read_bytes())
    for path, words in (
        (tmp_path / "none", "no such file"),
        (tmp_path / "empty", "no public key"),
        (tmp_path / "text.pem", "no Ed25519 public key"),
        (tmp_path / "mixed", "private key among"),
    ):
        with pytest.raises(KeyFault, match=words) as caught:
            read_trusted([path])
        assert "BEGIN" not in str(caught.value)


def test_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rsa.key"
    key = generate_private_key(65537, 2048)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    with pytest.raises(KeyFault, match="no Ed25519 private key"):
        read_signer(path)
    with pytest.raises(KeyFault, match="cannot be read"):
        read_signer(tmp_path / "none.key")


def test_a_signer_does_not_show_its_key(tmp_path: Path) -> None:
    signer = read_signer(generate(tmp_path, "house").private)
    assert "PrivateKey" not in repr(signer)
    assert signer.name == "house"

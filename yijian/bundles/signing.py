"""Ed25519 keys: made, read, and used to sign and to check. Key material never leaves this module.

A private key is a PEM file that only its owner can read, `NAME.key`; the public key beside it,
`NAME.pub.pem`, goes into the folder that workers trust.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from contracts.bundle import Refusal, Signed, Why, signed_bytes
from yijian.bundles.errors import KeyFault
from yijian.settings import Settings

PRIVATE_SUFFIX: Final = ".key"
PUBLIC_SUFFIX: Final = ".pub.pem"


class KeyFiles(NamedTuple):
    """Where a new pair of keys was written, and its id."""

    private: Path
    public: Path
    key_id: str


@dataclass(frozen=True)
class Signer:
    """A private key and its name, the file's."""

    name: str
    key_id: str
    _key: Ed25519PrivateKey = field(repr=False)

    def sign(self, kind: str, payload: bytes) -> Signed:
        """The payload with a signature over it and its kind."""
        signature = self._key.sign(signed_bytes(kind, payload))
        return Signed(payload=payload, key=self.key_id, signature=signature)

    def as_trusted(self) -> Trusted:
        """The trust that accepts what this key signs, and nothing else."""
        return Trusted({self.key_id: (self.name, self._key.public_key())})


class Trusted:
    """The public keys whose signatures are accepted, by id; empty where there are none."""

    def __init__(self, keys: Mapping[str, tuple[str, Ed25519PublicKey]]) -> None:
        self._keys = dict(keys)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._keys

    @property
    def names(self) -> dict[str, str]:
        """Key id to the name of its file."""
        return {key_id: name for key_id, (name, _) in sorted(self._keys.items())}

    def check(self, kind: str, signed: Signed) -> Refusal | None:
        """None where a trusted key signed exactly this, else why it is refused."""
        if not signed.key and not signed.signature:
            return Refusal(Why.UNSIGNED, "nobody signed it; sign it with --key")
        found = self._keys.get(signed.key)
        if found is None:
            known = ", ".join(f"{i} ({n})" for i, n in self.names.items()) or "none"
            detail = f"signed with the key {signed.key[:16]!a}; trusted: {known}"
            return Refusal(Why.UNKNOWN_KEY, detail)
        try:
            found[1].verify(signed.signature, signed_bytes(kind, signed.payload))
        except InvalidSignature:
            detail = f"not what the key {signed.key} ({found[0]}) signed: it was changed on its way"
            return Refusal(Why.BAD_SIGNATURE, detail)
        return None


def generate(folder: Path, name: str) -> KeyFiles:
    """A new pair of keys in a folder. Never overwrites a file; raises KeyFault."""
    private = folder / f"{name}{PRIVATE_SUFFIX}"
    public = folder / f"{name}{PUBLIC_SUFFIX}"
    key = Ed25519PrivateKey.generate()
    if public.exists():
        raise KeyFault(f"{public} exists; choose another --name or folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_new(
            private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600
        )
        _write_new(public, _pem(key.public_key()), 0o644)
    except FileExistsError as e:
        raise KeyFault(f"{e.filename} exists; choose another --name or folder") from None
    except OSError as e:
        raise KeyFault(f"{e.filename or folder}: {e.strerror}") from None
    return KeyFiles(private, public, key_id(key.public_key()))


def key_id(key: Ed25519PublicKey) -> str:
    """The first 16 hex digits of the SHA-256 over the raw public key."""
    return sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def read_signer(path: Path) -> Signer:
    """The private key in a file that only its owner can read. Raises KeyFault."""
    data = _read(path)
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise KeyFault(f"{path}: others can read this private key; run chmod 600 on it")
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFault(f"{path}: no Ed25519 private key; `yijian rules keygen` makes one")
    return Signer(path.name.removesuffix(PRIVATE_SUFFIX), key_id(key.public_key()), key)


def read_trusted(paths: Iterable[Path]) -> Trusted:
    """The public keys of files, and of the `*.pem` files of folders. Raises KeyFault."""
    keys: dict[str, tuple[str, Ed25519PublicKey]] = {}
    for path in paths:
        if not path.exists():
            raise KeyFault(f"{path}: no such file or folder of trusted public keys")
        files = sorted(path.glob("*.pem")) if path.is_dir() else [path]
        if not files:
            raise KeyFault(f"{path}: no public key (*{PUBLIC_SUFFIX}) in this folder")
        for file in files:
            key = _public(file)
            keys.setdefault(key_id(key), (file.name.removesuffix(PUBLIC_SUFFIX), key))
    return Trusted(keys)


def trusted_keys(settings: Settings) -> Trusted | None:
    """The keys that the settings trust; None where they name none. Raises KeyFault."""
    return read_trusted(settings.bundle_keys) if settings.bundle_keys else None


def _public(path: Path) -> Ed25519PublicKey:
    data = _read(path)
    if b"PRIVATE KEY" in data:
        raise KeyFault(
            f"{path}: a private key among the trusted public keys; move it to where only "
            "its owner can read it"
        )
    try:
        key = load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFault(f"{path}: no Ed25519 public key in PEM form")
    return key


def _pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as e:
        raise KeyFault(f"{path}: cannot be read: {e.strerror}") from None


def _write_new(path: Path, data: bytes, mode: int) -> None:
    # The mode from the first moment: never readable by others in between.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
        out.write(data)

"""What the embedded server process and whoever starts it say to each other."""

from __future__ import annotations

import msgspec


class ServerConfig(msgspec.Struct, frozen=True):
    """The line the process reads first. With `owned` it ends when its standard input does."""

    data_dir: str
    port: int
    user: str
    password: str
    owned: bool


class Ready(msgspec.Struct, frozen=True):
    """The line the process answers: the port it listens on, or why it does not."""

    port: int = 0
    error: str = ""
    in_use: bool = False


def encode_line(message: ServerConfig | Ready) -> bytes:
    """The message as one line of JSON."""
    return msgspec.json.encode(message) + b"\n"


def decode_config(line: bytes) -> ServerConfig:
    """The configuration in the line. Raises msgspec.DecodeError."""
    return msgspec.json.decode(line, type=ServerConfig)


def decode_ready(line: bytes) -> Ready:
    """The answer in the line. Raises msgspec.DecodeError."""
    return msgspec.json.decode(line, type=Ready)

"""What a request asks for: its URL parameters, headers and credentials, sorted out."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from sinks.embedded.sessions import DEFAULT_TIMEOUT_S, MAX_TIMEOUT_S
from sinks.embedded.statuses import AUTHENTICATION_FAILED, BAD_ARGUMENTS
from sinks.errors import EngineError

# Parameters that steer the request itself; every other one is a setting of its query.
_TRANSPORT = frozenset(
    {
        *("query", "database", "default_format", "query_id", "quota_key", "role", "stacktrace"),
        *("session_id", "session_timeout", "session_check", "close_session", "buffer_size"),
        *("compress", "decompress", "user", "password", "wait_end_of_query"),
        "client_protocol_version",
    }
)
_TRUE = frozenset({"1", "true"})
_PARAMETER_NAME = re.compile(r"[A-Za-z_]\w*\Z")


@dataclass(frozen=True)
class Credentials:
    """Who asks. `given` is False when the request carried none at all."""

    user: str
    password: str
    given: bool

    def check(self, user: str, password: str) -> None:
        """Raises EngineError 516 unless both are right."""
        same_user = hmac.compare_digest(self.user.encode(), user.encode())
        same_password = hmac.compare_digest(self.password.encode(), password.encode())
        if not (same_user and same_password):
            raise EngineError(
                AUTHENTICATION_FAILED,
                "AUTHENTICATION_FAILED",
                f"{self.user}: Authentication failed: password is incorrect, or there is no user "
                "with such name",
            )


@dataclass(frozen=True)
class Target:
    """One request's URL and headers as the query interface understands them."""

    path: str
    values: Mapping[str, str]
    roles: tuple[str, ...]
    credentials: Credentials
    database: str | None
    default_format: str
    content_encoding: str
    accept_encoding: str

    @property
    def query(self) -> bytes:
        """The query in the URL, empty without one."""
        return self.values.get("query", "").encode("utf-8", "surrogateescape")

    @property
    def session_id(self) -> str | None:
        return self.values.get("session_id") or None

    @property
    def session_must_exist(self) -> bool:
        return self.flag("session_check")

    @property
    def session_timeout_s(self) -> int:
        """Idle seconds a named session lives. Raises EngineError when out of bounds."""
        text = self.values.get("session_timeout", str(DEFAULT_TIMEOUT_S))
        if not text.isdecimal() or int(text) > MAX_TIMEOUT_S:
            raise EngineError(
                374,
                "INVALID_SESSION_TIMEOUT",
                f"Session timeout {text!r} is not a number of seconds up to {MAX_TIMEOUT_S}",
            )
        return int(text)

    @property
    def parameters(self) -> dict[str, str]:
        """The values of {name:Type} placeholders, without their `param_`."""
        return bound_parameters(self.values)

    def settings(self, ignored: frozenset[str] = frozenset()) -> dict[str, str]:
        """Settings of this query; `ignored` are names that describe external tables."""
        return {
            name: value
            for name, value in self.values.items()
            if name not in _TRANSPORT and name not in ignored and not name.startswith("param_")
        }

    def flag(self, name: str) -> bool:
        """Whether the parameter is on."""
        return self.values.get(name, "").lower() in _TRUE


def bound_parameters(values: Mapping[str, str]) -> dict[str, str]:
    """What `param_name=value` binds. Raises EngineError for a name that is no identifier."""
    bound = {k[6:]: v for k, v in values.items() if k.startswith("param_")}
    for name in bound:
        if not _PARAMETER_NAME.match(name):
            raise EngineError(
                BAD_ARGUMENTS,
                "BAD_ARGUMENTS",
                f"Query parameter name {name!r} is not an identifier",
            )
    return bound


class Headers(Protocol):
    """Header fields by name, whatever the case of its letters."""

    def get(self, name: str) -> str | None: ...


def parse_target(target: str, headers: Headers) -> Target:
    """The request's URL and the headers that matter, sorted out."""
    url = urlsplit(target)
    pairs = parse_qsl(url.query, keep_blank_values=True, errors="surrogateescape")
    values = dict(pairs)
    return Target(
        path=url.path or "/",
        values=values,
        roles=tuple(value for name, value in pairs if name == "role"),
        credentials=_credentials(values, headers),
        database=values.get("database") or headers.get("X-ClickHouse-Database") or None,
        default_format=(
            values.get("default_format") or headers.get("X-ClickHouse-Format") or "TabSeparated"
        ),
        content_encoding=(headers.get("Content-Encoding") or "").strip().lower(),
        accept_encoding=(headers.get("Accept-Encoding") or "").lower(),
    )


def _credentials(values: Mapping[str, str], headers: Headers) -> Credentials:
    """From the ClickHouse headers, else Basic, else the URL; the user defaults to `default`."""
    user, key = headers.get("X-ClickHouse-User"), headers.get("X-ClickHouse-Key")
    if user is not None or key is not None:
        return Credentials(user or "default", key or "", True)
    scheme, _, encoded = (headers.get("Authorization") or "").partition(" ")
    if scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            decoded = ""
        user, _, password = decoded.partition(":")
        return Credentials(user or "default", password, True)
    given = "user" in values or "password" in values
    return Credentials(values.get("user") or "default", values.get("password", ""), given)

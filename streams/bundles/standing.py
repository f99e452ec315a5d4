"""Which bundle a worker has, and which it refused: for /health and /metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from contracts.bundle import Refusal, Why

Mode = Literal["files", "bundles"]
_MOST_CHARACTERS: Final = 2000
_MOST_SHOWN: Final = 20


@dataclass(frozen=True)
class Refused:
    """An activation that was not followed."""

    sequence: int
    """0 where its record does not even say that."""
    digest: str
    refusal: Refusal

    def report(self) -> dict[str, Any]:
        return {
            "sequence": self.sequence,
            "digest": self.digest,
            "why": self.refusal.why.value,
            "detail": self.refusal.detail[:_MOST_CHARACTERS],
        }


class RegistryStanding(NamedTuple):
    """How a worker stands with the registry: for /health."""

    digest: str = ""
    records: int = 0
    offset: int = -1
    """Of the last record that was read."""
    refused: dict[str, int] = {}  # noqa: RUF012 (never changed)
    """Records that say nothing, by reason."""
    trouble: str = ""


@dataclass(frozen=True)
class Standing:
    """How a worker stands with its rules; replaced as a whole, so any thread may read it."""

    mode: Mode
    channel: str = ""
    digest: str = ""
    """Of the bundle in force; "" while rules and knowledge come from files."""
    sequence: int = 0
    activated_at: datetime | None = None
    author: str = ""
    loading: str = ""
    """Digest of what is being compiled at this moment."""
    refused: tuple[Refused, ...] = ()
    """Activations later than the one in force, the latest first; empty when all is well."""
    refusals: Mapping[Why, int] = field(default_factory=dict)
    """Everything that was refused since the process started."""
    swaps: int = 0
    trouble: str = ""
    """Why the topic cannot be followed, or a bundle not be unpacked, at this moment."""
    registry: RegistryStanding | None = None
    """None where rules decide by files alone."""

    def report(self) -> dict[str, Any]:
        """The same for /health."""
        told = {} if self.registry is None else {"registry": self.registry._asdict()}
        if self.mode == "files":
            return {"mode": "files", **told}
        return {
            **told,
            "mode": "bundles",
            "channel": self.channel,
            "digest": self.digest,
            "from": "bundle" if self.digest else "files: none of the channel's bundles is in force",
            "sequence": self.sequence,
            "activated_at": self.activated_at.isoformat() if self.activated_at else "",
            "author": self.author,
            "loading": self.loading,
            "swaps": self.swaps,
            "refused_total": sum(self.refusals.values()),
            "refused": [one.report() for one in self.refused[:_MOST_SHOWN]],
            "trouble": self.trouble,
        }

"""Workers asked over HTTP which bundle they run."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True)
class Worker:
    """What one worker says of its rules, or why it says nothing."""

    address: str
    mode: str = ""
    digest: str = ""
    sequence: int = 0
    refused: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    """Rules that look back further than is known, each with until when."""
    waiting_count: int = 0
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {"address": self.address, "mode": self.mode, "digest": self.digest,
                "sequence": self.sequence, "refused": list(self.refused),
                "waiting": list(self.waiting), "waiting_count": self.waiting_count,
                "error": self.error}  # fmt: skip

    def row(self, short: int) -> list[str]:
        """For a table."""
        said = self.error or "; ".join(self.refused)
        waits = str(self.waiting_count or "")
        return [self.address, self.mode, self.digest[:short], str(self.sequence or ""), waits, said]


def workers(addresses: Iterable[str]) -> list[Worker]:
    """Each worker's answer; one that does not answer says so in `error`."""
    return [_ask(address) for address in addresses]


def _ask(address: str) -> Worker:
    try:
        state = _health(address)
        rules = state["rules"]
        waiting = state.get("waiting_rules", {"rules": (), "count": 0})
        return Worker(
            address,
            mode=str(rules["mode"]),
            digest=str(rules.get("digest", "")),
            sequence=int(rules.get("sequence", 0)),
            refused=tuple(
                f"{one['sequence']}: {one['why']}: {one['detail']}"
                for one in rules.get("refused", ())
            ),
            waiting=tuple(
                f"{one['rule']}: {one['until'] or 'no end known 未知'}" for one in waiting["rules"]
            ),
            waiting_count=int(waiting["count"]),
        )
    except OSError as e:
        return Worker(address, error=f"no answer: {getattr(e, 'reason', e)}")
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError, AttributeError):
        return Worker(address, error="this is not a worker's health report")


def _health(address: str) -> Any:
    url = address if "://" in address else f"http://{address}"
    if not url.startswith(("http://", "https://")):
        raise ValueError(url)
    place = url if url.rstrip("/").endswith("/health") else f"{url.rstrip('/')}/health"
    try:
        with urllib.request.urlopen(place, timeout=_TIMEOUT_S) as answer:
            return msgspec.json.decode(answer.read())
    except urllib.error.HTTPError as e:  # a worker that is not well still says what it runs
        return msgspec.json.decode(e.read())

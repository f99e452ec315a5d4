"""What the bundles topic says so far: where contents are, and which activations hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from contracts.bundle import SEQUENCE_DIGITS, Activation, Refusal, Why
from streams.bundles.standing import Refused

_CONTENT: Final = b"content/"
_NO_DIGEST: Final = ""

JudgeActivation = Callable[[bytes, bytes], "Activation | Refusal"]
"""Key and value of an activation's record to what is signed in it."""


class BundleLog:
    """The records of one channel, in the order of the topic. Not thread-safe."""

    def __init__(self, channel: str, judge: JudgeActivation) -> None:
        self._prefix = f"activation/{channel}/".encode()
        self._judge = judge
        self._offsets: dict[str, int] = {}
        self._activations: dict[int, Activation] = {}
        self._refused: dict[int, Refused] = {}
        self._untrusted: dict[int, Refused] = {}
        """Records that no trusted key signed: they take the place of nothing."""
        self.refusals: Counter[Why] = Counter()

    def take(self, offset: int, key: bytes | None, value: bytes | None) -> Refused | None:
        """Note one record; what was refused about it, if anything."""
        if key is None:
            return None
        if key.startswith(_CONTENT):
            self._content(key[len(_CONTENT) :].decode("ascii", "replace"), offset, value)
            return None
        if not key.startswith(self._prefix):
            return None  # another channel's
        sequence = _sequence(key[len(self._prefix) :])
        if value is None:
            self._activations.pop(sequence, None)
            self._refused.pop(sequence, None)
            self._untrusted.pop(sequence, None)
            return None
        judged = self._judge(key, value)
        if isinstance(judged, Refusal):
            return self._note(self._untrusted, Refused(sequence, _NO_DIGEST, judged))
        self._activations[sequence] = judged
        self._refused.pop(sequence, None)
        self._untrusted.pop(sequence, None)
        return None

    def _content(self, digest: str, offset: int, value: bytes | None) -> None:
        if value is None:
            self._offsets.pop(digest, None)
            return
        self._offsets[digest] = offset
        # It may be here only now, or here in a better form: look at it again.
        for sequence in [n for n, one in self._refused.items() if one.digest == digest]:
            del self._refused[sequence]

    def offset(self, digest: str) -> int | None:
        """Where the content stands."""
        return self._offsets.get(digest)

    def candidates(self, sequence: int, digest: str) -> list[Activation]:
        """Activations that follow the one in force and are not refused, the latest first.

        Two publishers at one moment give one sequence to two digests: the later record stays in
        the topic, so it counts.
        """
        found = [self._activations[n] for n in sorted(self._activations, reverse=True)]
        return [
            a
            for a in found
            if a.sequence not in self._refused
            and (a.sequence > sequence or (a.sequence == sequence and a.digest != digest))
        ]

    def refuse(self, sequence: int, digest: str, refusal: Refusal) -> Refused:
        """Never propose it again, unless its content comes anew."""
        return self._note(self._refused, Refused(sequence, digest, refusal))

    def _note(self, among: dict[int, Refused], refused: Refused) -> Refused:
        among[refused.sequence] = refused
        self.refusals[refused.refusal.why] += 1
        return refused

    def refused(self, since: int) -> tuple[Refused, ...]:
        """What was refused of this activation and later ones, the latest first."""
        found = [*self._untrusted.values(), *self._refused.values()]
        found.sort(key=lambda one: one.sequence, reverse=True)
        return tuple(one for one in found if one.sequence >= since or one.sequence == 0)


def _sequence(text: bytes) -> int:
    """0 for another spelling too: whatever stands there must not touch the real activation."""
    return int(text) if text.isdigit() and len(text) == SEQUENCE_DIGITS else 0

"""What a cut changed goes to the state topic, once its outputs and all before are confirmed."""

from __future__ import annotations

from streams.lanes import Cut
from streams.lease import Lease
from streams.producer import OutputProducer
from streams.state.framing import framed
from streams.state.memories import Memories, Sealed


class StateLog:
    """Writes state records (streams.lanes.StateWriter).

    The lease is read at each cut: a worker that was frozen with confirmed outputs must not
    write over what its successor remembers.
    """

    def __init__(self, topic: str, producer: OutputProducer, lease: Lease) -> None:
        self._topic = topic
        self._producer = producer
        self._lease = lease
        self.records = 0
        self.bytes = 0

    @property
    def may_write(self) -> bool:
        return self._lease.valid

    def seal(self, cut: Cut) -> int:
        """The size of what the cut changed, as of now."""
        memories: Memories | None = cut.memories
        if memories is None:
            return 0
        sealed = cut.changes = memories.seal()
        return sealed.size

    def write(self, cut: Cut) -> int:
        """How many records were produced: one a subject, the partition's own last."""
        sealed: Sealed | None = cut.changes
        if sealed is None:
            return 0
        cut.changes = None
        memories = sealed.memories
        covered = memories.covered = max(memories.covered, cut.decided)
        produce, report = self._producer.produce, cut.state.report
        for key, due_us, body in sealed.changes:
            value = None if body is None else framed(due_us, covered, body)
            produce(self._topic, value, key, cut.partition, report, None, 0, [])
            self.bytes += len(value or b"")
        self.records += len(sealed.changes)
        return len(sealed.changes)

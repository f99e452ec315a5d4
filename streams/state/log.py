"""What a batch changed goes to the state topic, once its outputs and all before are confirmed."""

from __future__ import annotations

from streams.lanes import Passage
from streams.lease import Lease
from streams.producer import OutputProducer
from streams.state.framing import framed
from streams.state.memories import Sealed


class StateLog:
    """Writes state records (streams.lanes.StateWriter).

    The lease is read at each batch: a worker that was frozen with confirmed outputs must not
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

    def write(self, passage: Passage) -> int:
        """How many records were produced: one a subject, the partition's own last."""
        sealed: Sealed | None = passage.changes
        if sealed is None:
            return 0
        passage.changes = None
        memories = sealed.memories
        covered = memories.covered = max(memories.covered, passage.decided)
        produce, report = self._producer.produce, passage.state.report
        for key, due_us, body in sealed.changes:
            value = None if body is None else framed(due_us, covered, body)
            produce(self._topic, value, key, passage.tp.partition, report, None, 0, [])
            self.bytes += len(value or b"")
        self.records += len(sealed.changes)
        return len(sealed.changes)

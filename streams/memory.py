"""The parts of a worker that remember, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.config import Remembering, WorkerConfig
from streams.errors import StreamsError
from streams.lease import Lease
from streams.producer import OutputProducer
from streams.state import MemoryFigures, State, StateLog, Ticker
from streams.state.recovery import KafkaRecovery, StateSource
from streams.state.stores import opening


@dataclass(frozen=True)
class Memory:
    """What a worker remembers with."""

    state: State
    log: StateLog
    ticker: Ticker

    @classmethod
    def of(
        cls,
        config: WorkerConfig,
        told: Remembering,
        producer: OutputProducer,
        lease: Lease,
        on_failure: Callable[[StreamsError], None],
    ) -> Memory:
        """The memory of a worker, over its producer and behind its lease.

        Raises ConfigurationError where it cannot be kept as told.
        """
        topics = config.topics
        source = StateSource(
            config.bootstrap,
            topics.state,
            topics.decisions,
            config.kafka_options,
            silent_s=told.silent_s,
            max_live=told.max_live,
            store=opening(told.store, told.folder),
        )
        return cls(
            State(KafkaRecovery(source), on_failure),
            StateLog(topics.state, producer, lease),
            Ticker(topics.ticks, producer, lease),
        )

    def figures(self) -> MemoryFigures:
        """How it stands; from any thread."""
        return self.state.figures()._replace(ticks_failed=self.ticker.failed)

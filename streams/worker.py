"""The worker: a Faust app with one agent over all intake topics, from start to a clean end.

Whatever keeps it from going on ends the process, non-zero: its events are not acknowledged, and
the process that is started next evaluates them again.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Final, cast

from confluent_kafka.admin import AdminClient
from faust.streams import Stream
from faust.types import TP, StreamT
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector

from contracts.clock import Clock, SystemClock
from streams.agent import Agent, Means
from streams.app import App, build_app, producer_config
from streams.broker import (
    BrokerError,
    MissingTopicsError,
    UnequalPartitionsError,
    check_equal_partitions,
)
from streams.bundles import Rules
from streams.bundles.metrics import BundleCollector
from streams.config import Runtime, WorkerConfig
from streams.errors import (
    AgentFailed,
    BundlesUnreadable,
    ConfigurationError,
    RegistryUnreadable,
    StreamsError,
    agent_failure,
)
from streams.figures import Figures
from streams.lanes import Lanes
from streams.lease import Lease
from streams.memory import Memory
from streams.metrics import WorkerCollector
from streams.offsets import Work
from streams.placement import Placement
from streams.producer import OutputProducer
from streams.state.rereading import Ranges
from streams.status import Status
from streams.status_server import StatusServer
from streams.transport import Batch, Consumer
from streams.watchdog import Watchdog, log_ends

log = logging.getLogger(__name__)

EXIT_OK: Final = 0
EXIT_CANNOT_GO_ON: Final = 70
"""Started, and had to stop: start it again."""
EXIT_CANNOT_START: Final = 78
"""What it was told, or the topics, must be put right first."""

_STOP_TIMEOUT_S: Final = 10.0
_HOLD_S: Final = 1.0
"""For how long batches share a cut: a patient's events of many topics are packed once, and a crash
has a second more to evaluate again."""
_HEADROOM_BYTES: Final = 16_384
"""Of an output record, for its key, its headers and the batch around it."""


def run(config: WorkerConfig, rules: Rules, clock: Clock | None = None) -> int:
    """Work until SIGTERM or SIGINT and return 0, or another exit code that says why not.

    To be called in the main thread of a process of its own: when it cannot go on it ends the
    process there and then, with EXIT_CANNOT_GO_ON, whatever else the process is doing.
    """
    try:
        partitions = check_equal_partitions(
            config.bootstrap, [*config.intake, *config.outputs], config.kafka_options
        )
        rules.start()
    except (MissingTopicsError, UnequalPartitionsError, ConfigurationError) as error:
        log.error("The worker cannot start: %s", error)
        return EXIT_CANNOT_START
    except (BrokerError, BundlesUnreadable, RegistryUnreadable) as error:
        log.error("The worker cannot go on: %s", error)
        return EXIT_CANNOT_GO_ON
    _set_up(config.runtime)
    try:
        code = asyncio.run(_Worker(config, rules, partitions, clock or SystemClock()).run())
    except ConfigurationError as error:
        log.error("The worker cannot start: %s", error)
        code = EXIT_CANNOT_START
    rules.stop()
    if any(t is not threading.main_thread() and not t.daemon for t in threading.enumerate()):
        _end_process(code)  # a thread of aiokafka that hangs must not hold a finished worker
    return code


def _set_up(runtime: Runtime) -> None:
    sys.setswitchinterval(runtime.switch_interval_s)
    gc.collect()
    gc.freeze()  # rules and knowledge stay for ever: no collection looks at them again
    gc.set_threshold(*runtime.gc_threshold)


def _end_process(code: int) -> None:
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class _Worker:
    def __init__(self, config: WorkerConfig, rules: Rules, partitions: int, clock: Clock) -> None:
        self._config = config
        self._rules = rules
        self._partitions = partitions
        self._clock = clock
        self._figures = Figures(clock)
        self._lease = Lease(config.timeouts.session_s, config.timeouts.message_s)
        self._failing = threading.Lock()

    async def run(self) -> int:
        """Start everything, wait for a signal, end everything."""
        stop = _stop_signal()
        self._app = app = build_app(self._config, self._lease)
        self._producer = OutputProducer(producer_config(self._config), self.fail)
        self._memory = self._remember()
        self._lanes = Lanes(
            self._acknowledge,
            self._producer.fail,
            limits=self._config.in_flight,
            observer=self._figures,
            state=self._memory.log if self._memory is not None else None,
            hold_s=_HOLD_S if self._memory is not None else 0.0,
        )
        self._declare_agent(app)
        watchdog = self._watchdog()
        status = self._status(watchdog)
        log.info("Metrics and health on http://%s", status.address)
        app.on_partitions_revoked.connect(self._on_revoked)
        app.on_partitions_assigned.connect(self._on_assigned)
        try:
            await app.start()
            watchdog.start()
            ticking = self._tick()
            crashed = asyncio.ensure_future(app._crashed.wait())
            stopped = asyncio.ensure_future(stop.wait())
            await asyncio.wait({crashed, stopped}, return_when=asyncio.FIRST_COMPLETED)
        except Exception as error:
            self.fail(error)
        if crashed.done():
            self.fail(app.crash_reason or AgentFailed("the Faust app crashed"))
        crashed.cancel()
        watchdog.stop()
        code = await self._drain()
        if ticking is not None:
            ticking.cancel()
        status.stop()
        return code

    def _remember(self) -> Memory | None:
        told = self._config.remembering
        if told is None:
            return None
        return Memory.of(self._config, told, self._producer, self._lease, self.fail)

    def _tick(self) -> asyncio.Task[None] | None:
        if self._memory is None:
            return None
        task = asyncio.ensure_future(self._memory.ticker.run(self._ticking, self._look))
        task.add_done_callback(self._ticked)
        return task

    def _ticked(self, task: asyncio.Task[None]) -> None:
        """Without ticks no deadline passes: their end is the worker's."""
        if not task.cancelled():
            self.fail(task.exception() or AgentFailed("the ticks ended"))

    def _look(self) -> None:
        """Let batches go on whose state had to wait for the lease, or let them go."""
        if self._lanes.open or self._lease.valid:
            self._lanes.look()
        else:
            self._lanes.forgo()  # their partitions went to another worker already

    def _watchdog(self) -> Watchdog:
        config = self._config
        loop = asyncio.get_running_loop()
        admin = AdminClient(
            {**config.kafka_options, "bootstrap.servers": config.bootstrap, "log_level": 0}
        )
        return Watchdog(
            lambda: self._consumer.progress(),
            log_ends(admin),
            loop.call_soon_threadsafe,
            self.fail,
            stuck_s=config.timeouts.stuck_s,
            is_waiting=lambda: self._memory is not None and self._memory.state.recovering,
        )

    def _status(self, watchdog: Watchdog) -> StatusServer:
        status = Status(
            consumer=lambda: self._consumer,
            generation=lambda: self._app.consumer_generation_id,
            lanes=self._lanes,
            lease=self._lease,
            lags=lambda: watchdog.lags,
            figures=self._figures,
            clock=self._clock,
            rules=self._rules,
            memory=lambda: self._memory.figures() if self._memory is not None else None,
            coverages=lambda: self._memory.state.coverages() if self._memory is not None else [],
        )
        registry = CollectorRegistry()
        registry.register(WorkerCollector(self._figures, status.vitals))
        registry.register(BundleCollector(lambda: self._rules.standing))
        for process in (ProcessCollector, GCCollector):
            process(registry=registry)
        host, port = self._config.http_host, self._config.http_port
        try:
            return StatusServer(host, port, registry, status.health).start()
        except OSError as error:
            raise ConfigurationError(
                f"metrics and health cannot be served on {host}:{port}: {error.strerror}; choose "
                "another address, or port 0 for a free one"
            ) from error

    @property
    def _consumer(self) -> Consumer:
        return cast(Consumer, self._app.consumer)

    def fail(self, reason: BaseException) -> None:
        """End the process; from any thread. What is not acknowledged will be evaluated again."""
        with self._failing:
            if isinstance(reason, StreamsError):
                log.error("The worker cannot go on: %s", reason)
            else:
                log.error("The worker cannot go on", exc_info=reason)
            _end_process(EXIT_CANNOT_GO_ON)

    def _acknowledge(self, tp: TP, last: int, epoch: int) -> None:
        self._consumer.tracker.acknowledge(tp, last, epoch)

    def _look_at(self, tp: TP, last: int, epoch: int) -> None:
        self._consumer.tracker.look_at(tp, last, epoch)

    def _declare_agent(self, app: App) -> None:
        config = self._config
        agent = Agent(
            Means(
                supervisor=lambda: self._rules.supervisor,
                producer=self._producer,
                lanes=self._lanes,
                lease=self._lease,
                topics=self._config.topics,
                placement=Placement(self._partitions),
                figures=self._figures,
                is_current=lambda epoch: epoch == self._consumer.tracker.epoch,
                max_record_bytes=self._config.max_output_bytes - _HEADROOM_BYTES,
                state=self._memory.state if self._memory is not None else None,
                positions=self._positions,
                look_at=self._look_at,
                work=self._work,
                ranges=Ranges(config.bootstrap, config.kafka_options) if self._memory else None,
            )
        )
        intake = app.topic(*self._config.intake, key_serializer="raw", value_serializer="raw")

        @app.agent(intake, name="supervise", concurrency=1)
        async def supervise(stream: StreamT[Any]) -> None:
            try:
                await agent.run(_batches(stream, self._rules))
            except Exception as error:
                # Faust would acknowledge and go on: never let it see the exception.
                self.fail(agent_failure(error))

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        """Give the partitions up with nothing under way and everything done committed."""
        self._lanes.close()
        timeouts = self._config.timeouts
        try:
            await self._lanes.flush(timeouts.flush_s)
            await asyncio.wait_for(
                self._consumer.commit_acknowledged(), timeouts.rebalance_s - timeouts.flush_s
            )
        except TimeoutError:
            log.warning("Positions were not committed in time; some events are evaluated again")
        except StreamsError as error:
            self.fail(error)
        if self._memory is not None:
            self._memory.state.revoked()

    async def _on_assigned(self, *told: Any, **__: Any) -> None:
        self._lanes.reopen()
        if self._memory is not None:
            assigned: Iterable[TP] = told[-1]
            self._memory.state.assigned(tp.partition for tp in assigned)

    def _positions(self, partition: int) -> dict[str, int]:
        """Where reading of each intake topic began in this epoch, or what was committed since."""
        ticks = self._config.topics.ticks
        return {
            topic: offset
            for (topic, number), offset in self._consumer.tracker.positions().items()
            if number == partition and topic != ticks
        }

    def _work(self, partition: int) -> dict[str, Work]:
        """How much of each intake topic was looked at."""
        work = self._consumer.work(partition)
        work.pop(self._config.topics.ticks, None)
        return work

    def _ticking(self) -> frozenset[int]:
        """The partitions to tick for: those we have, once we know what their past is."""
        if self._memory is None or self._memory.state.recovering or not self._lanes.open:
            return frozenset()
        return frozenset(tp.partition for tp in self._consumer.tracker.positions())

    async def _drain(self) -> int:
        """Finish what is under way, commit it, leave the group."""
        log.info("Draining")
        app, consumer, timeouts = self._app, self._consumer, self._config.timeouts
        consumer.stop_flow()
        app.flow_control.suspend()
        app.flow_control.clear()
        self._lanes.close()
        try:
            await self._lanes.flush(timeouts.flush_s)
            await asyncio.wait_for(consumer.commit_acknowledged(), timeouts.message_s)
        except (StreamsError, TimeoutError) as error:
            self.fail(error)
        try:
            await asyncio.wait_for(app.stop(), _STOP_TIMEOUT_S)
        except TimeoutError:
            log.warning("Faust did not stop in time; everything is committed")
        self._producer.close(1.0)
        log.info("Stopped")
        return EXIT_OK


async def _batches(stream: StreamT[Any], rules: Rules) -> AsyncIterator[Batch]:
    async for event in cast(Stream[Any], stream).noack().events():
        for batch in cast("list[Batch]", event.value):
            await rules.current_for(batch.epoch)
            rules.seen(batch.records)
            yield batch


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    on_signal: Callable[[], None] = stop.set
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    return stop

"""Kill, freeze and move everything under load, then count what the guarantees are worth.

First one worker and one sink are killed (SIGKILL) at random moments; then there are two of each:
one of each joins and leaves under load, and each is frozen (SIGSTOP), a worker with a sink, for
twice the session timeout and continued. The audit has the last word.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import Any

from contracts.clock import SystemClock
from simulation.feed import feed
from simulation.simulator import SimulatedEvent, Simulator
from yijian import drain
from yijian.audit import Figures, audit
from yijian.composition import Core
from yijian.settings import Settings
from yijian.stack import Size, Stack

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is done to the processes while `events` are fed at `rate` a second."""

    events: int = 200_000
    rate: float = 1000.0
    """So that the load lasts as long as the disturbances do."""
    seed: int = 1
    worker_kills: int = 5
    sink_kills: int = 3
    join_and_leave: bool = True
    freeze: bool = True
    outage_s: float = 30.0
    """How long ClickHouse is away under load; a broker restart follows. 0 leaves both out."""
    drain_timeout_s: float = 300.0


class Outcome(Figures, frozen=True, kw_only=True):
    """The last line of `yijian chaos`."""

    events: int
    kills: int
    freezes: int
    outages: int
    restarts: int


def run(
    settings: Settings,
    core: Core,
    plan: Plan,
    events: Sequence[SimulatedEvent] | None = None,
    say: Say = lambda _: None,
    prefix: Sequence[str] | None = None,
) -> Outcome:
    """The audit's figures after the plan. `prefix` replaces `python -m yijian` of the processes."""
    source = iter(events) if events else _events(core, plan)
    with Stack(settings, core.knowledge, Size(), prefix=prefix) as stack:
        trial = _Trial(stack, plan, say)
        half = plan.events // 2
        if plan.worker_kills or plan.sink_kills:
            with trial.load(islice(source, half)):
                trial.kill_at_random()
        with trial.load(source):
            if plan.join_and_leave:
                trial.join_and_leave()
            if plan.freeze:
                trial.freeze_each()
            if plan.outage_s:
                trial.outages()
        say("waiting until everything is done")
        try:
            drain.until_drained(stack.settings, plan.drain_timeout_s)
        except drain.NotDrained as e:
            say(f"{e}; what is not done counts as lost. The processes said last:")
            say(stack.complaints())
        say("auditing")
        counted = audit(stack.settings, core)
        return Outcome(
            events=counted.intake_records,
            kills=trial.kills,
            freezes=trial.freezes,
            outages=trial.outage_count,
            restarts=sum(stack.processes.restarts.values()),
            **counted.figures(),
        )


def _events(core: Core, plan: Plan) -> Iterator[SimulatedEvent]:
    """Yesterday's traffic: a day that is over, so that no event lies ahead of the broker."""
    yesterday = (SystemClock().now() - timedelta(days=1)).date()
    patients = max(plan.events // 20, 50)
    return Simulator(core.knowledge, plan.seed, patients, yesterday).events(plan.events)


class _Load:
    """Feeding in a thread while the processes are disturbed; leaving waits for the last record."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as e:
            self._error = e

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        if self._error is not None:
            raise self._error


class _Trial:
    def __init__(self, stack: Stack, plan: Plan, say: Say) -> None:
        self._stack = stack
        self._plan = plan
        self._say = say
        self._random = random.Random(plan.seed)
        self.kills = 0
        self.freezes = 0
        self.outage_count = 0

    def load(self, events: Iterator[SimulatedEvent]) -> _Load:
        s = self._stack.settings
        system = s.systems[0]
        return _Load(
            lambda: feed(events, s.kafka_bootstrap, s.topics, system=system, rate=self._plan.rate)
        )

    def kill_at_random(self) -> None:
        """SIGKILL at moments spread over the time that the first half of the load takes."""
        span_s = self._plan.events / 2 / self._plan.rate
        victims = ["worker-0"] * self._plan.worker_kills + ["sink-0"] * self._plan.sink_kills
        self._random.shuffle(victims)
        moments = sorted(self._random.uniform(0.1, 0.95) * span_s for _ in victims)
        began = time.monotonic()
        for name, moment in zip(victims, moments, strict=True):
            time.sleep(max(0.0, began + moment - time.monotonic()))
            while self._stack.processes.pid(name) is None:  # still on its way back
                time.sleep(0.01)
            self._stack.processes.kill(name)
            self.kills += 1
            self._say(f"killed {name} after {moment:.1f} s")

    def join_and_leave(self) -> None:
        """A second worker and sink join, and the first of each leaves and comes back."""
        for kind in ("worker", "sink"):
            self._stack.add(kind, 1)
            self._say(f"{kind}-1 joined")
        settle_s = self._stack.settings.session_timeout_s
        time.sleep(settle_s)
        for kind in ("worker", "sink"):
            self._stack.processes.stop(f"{kind}-0")
            self._say(f"{kind}-0 left")
        time.sleep(settle_s)
        for kind in ("worker", "sink"):
            self._stack.add(kind, 0)
            self._say(f"{kind}-0 joined again")
        time.sleep(settle_s / 2)

    def outages(self) -> None:
        """ClickHouse killed and away for a while, then a restart of the broker, under load.

        Servers that the settings name are somebody else's: they are left alone.
        """
        clickhouse, kafka = self._stack.clickhouse, self._stack.kafka
        if clickhouse is not None:
            clickhouse.kill()
            time.sleep(self._plan.outage_s)
            clickhouse.start()
            self.outage_count += 1
            self._say(f"ClickHouse was killed and away for {self._plan.outage_s:.0f} s")
        if kafka is not None:
            kafka.restart()
            self.outage_count += 1
            self._say("restarted the broker")

    def freeze_each(self) -> None:
        """SIGSTOP for twice the session timeout, then SIGCONT: a worker with a sink, in turn."""
        names = self._stack.processes.names
        kinds = (sorted(n for n in names if kind in n) for kind in ("worker", "sink"))
        for pair in zip(*kinds, strict=True):
            for name in pair:
                self._stack.processes.suspend(name)
            time.sleep(2 * self._stack.settings.session_timeout_s)
            for name in pair:
                self._stack.processes.resume(name)
                self.freezes += 1
            self._say(f"froze {' and '.join(pair)} for twice the session timeout")


def quick(settings: Settings, session_timeout_s: float = 6.0) -> Settings:
    """The settings with the short session timeout that trials use."""
    return replace(settings, session_timeout_s=session_timeout_s)

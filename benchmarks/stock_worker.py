"""The peer: the same rules, as Faust's and durable_rules' own documentation would have it done.

`python -m benchmarks.stock_worker FOLDER`: Faust's own `kafka://` transport, JSON values,
`async for event in stream`, one durable_rules ruleset with every rule, decisions sent with
`await topic.send(…)`, Faust's settings as they come (the web server is off, its files go to
FOLDER). In the peer's favour: its decisions hold only what fired, where ours hold findings in
full, recorded facts and the coverage manifest; it sends no alerts, it evaluates no third truth
value in the engine (see benchmarks.translation), it does not check keys, and what it sends is not
confirmed before it commits.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import faust
import msgspec
from faust.types import StreamT

from benchmarks.rete import Rete
from benchmarks.translation import translate
from contracts.clock import SystemClock
from contracts.event import EVENT_TYPES
from contracts.intake import SHAPES
from yijian import settings
from yijian.composition import load_core
from yijian.settings import Settings


def app_of(s: Settings, rete: Rete, folder: Path) -> faust.App:
    """The Faust application."""
    app = faust.App(
        s.worker_group,
        broker=f"kafka://{s.kafka_bootstrap}",
        store="memory://",
        topic_partitions=s.partitions,
        datadir=str(folder),
        web_enabled=False,
    )
    names = s.topics.all_intake
    intake = app.topic(*names, key_serializer="raw", value_serializer="json")
    decisions = app.topic(s.topics.decisions, key_serializer="raw", value_serializer="json")

    @app.agent(intake)
    async def supervise(stream: StreamT[dict[str, Any]]) -> None:
        async for event in stream:
            known = EVENT_TYPES[event["type"]]
            typed = msgspec.convert(event, SHAPES[known.family])
            firings = rete.fire(typed)
            answer = {
                "source": event["source"],
                "id": event["id"],
                "type": event["type"],
                "subject": event["subject"],
                "firings": firings,
            }
            await decisions.send(key=event["subject"].encode(), value=answer)

    return app


def main() -> None:
    s = settings.load()
    core = load_core(s)
    translation = translate(core.pack.rules, core.knowledge, SystemClock().now().date())
    app = app_of(s, Rete(translation, core.knowledge), Path(sys.argv[1]))
    faust.Worker(app, loglevel="WARNING").execute_from_commandline()


if __name__ == "__main__":
    main()

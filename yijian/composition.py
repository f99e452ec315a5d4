"""How the rooms are wired: from settings to knowledge, evaluator, topics and configurations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import knowledge_base
import rules
from contracts.bundle import MAX_BUNDLE_BYTES
from contracts.decision import Basis
from knowledge_base import KnowledgeBase
from knowledge_base.registry import Registry, overlaid
from rules import Evaluator, Pack
from rules.engine.engines import make_evaluator
from rules.memory.attendant import MemorySettings
from rules.memory.groups import Attendants
from streams.broker.topics import TopicSpec
from streams.supervision import Register, Supervisor
from yijian.settings import Settings

PACKS = Path(rules.__file__).parent / "packs"
_DAY_MS = 86_400_000
_TICKS_MS = 3_600_000  # a tick that was not taken within the hour tells nothing any more
_HEADROOM = 64 * 1024  # what headers and framing add to a record


@dataclass(frozen=True)
class Core:
    """What evaluates: knowledge, rules and the evaluator over both."""

    knowledge: KnowledgeBase
    pack: Pack
    evaluator: Evaluator


def load_knowledge(settings: Settings) -> KnowledgeBase:
    """The shipped knowledge with the site's own. Raises KnowledgeError.

    A site that names folders of its own is not given the invented demonstration catalogue.
    """
    paths = knowledge_base.default_paths(demo=not settings.knowledge)
    return knowledge_base.load([*paths, *settings.knowledge])


def load_core(settings: Settings) -> Core:
    """Knowledge, pack and evaluator. Raises KnowledgeError or PackError with all problems.

    And EngineError where the engine that the settings name is not installed or cannot decide a
    rule of the pack.
    """
    knowledge = load_knowledge(settings)
    pack = rules.load_pack(list(settings.packs or (PACKS,)), knowledge)
    return Core(knowledge, pack, evaluator_of(settings, pack, knowledge))


def evaluator_of(settings: Settings, pack: Pack, knowledge: KnowledgeBase) -> Evaluator:
    """The evaluator that the settings ask for. Raises EngineError."""
    return make_evaluator(
        settings.rules_engine,
        pack,
        knowledge,
        settings.profile,
        waits_for_late=settings.state == "on" and settings.lateness_s > 0,
    )


def supervisor_of(settings: Settings, core: Core, *, from_kafka: bool = True) -> Supervisor:
    """The step from a record to its answer; records from Kafka have a key to be checked."""
    attendant = None
    if settings.state == "on":
        attendant = Attendants(core.evaluator, MemorySettings(lateness_s=settings.lateness_s))
    return Supervisor(
        core.evaluator,
        attendant,
        register=_registering(core),
        check_key=from_kafka,
        max_ahead_s=settings.max_ahead_s,
        max_output_bytes=settings.output_max_bytes - _HEADROOM,
    )


def _registering(core: Core) -> Register:
    """Puts a registry under the rules of a core."""

    def register(registry: Registry) -> Basis:
        core.evaluator.register(overlaid(core.knowledge, registry))
        return core.evaluator.basis

    return register


def topic_specs(settings: Settings) -> list[TopicSpec]:
    """Every topic of the installation. Outputs take larger records than intake."""
    topics = settings.topics
    retention_ms = int(settings.retention_days * _DAY_MS)

    def spec(name: str, max_bytes: int) -> TopicSpec:
        return TopicSpec(
            name=name,
            partitions=settings.partitions,
            replication_factor=settings.replication,
            retention_ms=retention_ms,
            compacted=False,
            max_message_bytes=max_bytes,
            log_append_time=True,
        )

    intake = [spec(name, settings.intake_max_bytes) for name in topics.all_intake]
    # Brokers measure batches as they are compressed: a re-keyed record may be larger than intake's.
    outputs = (
        topics.rekeyed,
        topics.activities,
        topics.decisions,
        topics.alerts,
        topics.dead_letters,
    )

    def broadcast(name: str, max_bytes: int) -> TopicSpec:
        return TopicSpec(
            name=name,
            partitions=1,  # one order, which every worker reads in full
            replication_factor=settings.replication,
            retention_ms=None,
            compacted=True,
            max_message_bytes=max_bytes,
            log_append_time=True,
        )

    return [
        *intake,
        *(spec(name, settings.output_max_bytes) for name in outputs),
        *_memory_specs(settings),
        broadcast(topics.bundles, MAX_BUNDLE_BYTES + _HEADROOM),
        broadcast(topics.registry, settings.intake_max_bytes),
    ]


def _memory_specs(settings: Settings) -> list[TopicSpec]:
    """What is remembered, and the ticks that let deadlines pass."""
    state = TopicSpec(
        name=settings.topics.state,
        partitions=settings.partitions,
        replication_factor=settings.replication,
        compacted=True,
        max_message_bytes=settings.output_max_bytes,
        rewritten=True,
    )
    ticks = TopicSpec(
        name=settings.topics.ticks,
        partitions=settings.partitions,
        replication_factor=settings.replication,
        retention_ms=_TICKS_MS,
        max_message_bytes=_HEADROOM,
        log_append_time=True,  # a tick is nothing but the broker's time
    )
    return [state, ticks]

"""The Faust app of a worker, and how its producer is set up."""

from __future__ import annotations

import faust

from streams.config import WorkerConfig
from streams.kafka_thread import FetchLimits
from streams.lease import Lease
from streams.producer import ProducerConfig
from streams.security import aiokafka_options
from streams.transport import SCHEME, register


class App(faust.App):
    """A Faust app that leaves no folders behind and knows what its transport needs."""

    fetch_limits: FetchLimits
    lease: Lease

    def _create_directories(self) -> None: ...


def build_app(config: WorkerConfig, lease: Lease) -> App:
    """The Faust app for a worker, with every setting that differs from Faust's own."""
    register()
    timeouts = config.timeouts
    app = App(
        config.group_id,
        broker=";".join(f"{SCHEME}://{host}" for host in config.bootstrap.split(",")),
        broker_client_id=config.client_id,
        broker_session_timeout=timeouts.session_s,
        broker_heartbeat_interval=timeouts.heartbeat_s,
        broker_rebalance_timeout=timeouts.rebalance_s,
        broker_commit_interval=timeouts.commit_interval_s,
        broker_max_poll_records=config.batch_records,
        store="memory://",
        stream_buffer_maxsize=config.queued_batches,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        table_standby_replicas=1,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        autodiscover=False,
    )
    app.lease = lease
    app.fetch_limits = FetchLimits(
        max_batch_bytes=config.batch_bytes,
        fetch_max_bytes=config.fetch_max_bytes,
        partition_fetch_bytes=config.batch_bytes,
        fetch_min_bytes=config.fetch_min_bytes,
        fetch_wait_ms=config.fetch_wait_ms,
        connection=aiokafka_options(config.kafka_options),
    )
    return app


def producer_config(config: WorkerConfig) -> ProducerConfig:
    """How this worker's outputs are sent."""
    return ProducerConfig(
        bootstrap=config.bootstrap,
        client_id=config.client_id,
        message_timeout_s=config.timeouts.message_s,
        linger_ms=config.linger_ms,
        compression=config.compression,
        max_record_bytes=config.max_output_bytes,
        options=config.kafka_options,
    )

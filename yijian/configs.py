"""Settings turned into what worker, sink and verifier have to be told."""

from __future__ import annotations

from sinks.config import SinkConfig
from streams.config import Remembering, Runtime, Timeouts, WorkerConfig
from yijian.settings import Settings
from yijian.verify.config import VerifyConfig


def worker_config(s: Settings) -> WorkerConfig:
    """The configuration of a worker process; all its timeouts follow from the session's."""
    host, _, port = s.worker_http.rpartition(":")
    session_s = s.session_timeout_s
    return WorkerConfig(
        bootstrap=s.kafka_bootstrap,
        topics=s.topics,
        group_id=s.worker_group,
        kafka_options=s.kafka_options,
        timeouts=Timeouts(
            session_s=session_s,
            heartbeat_s=session_s / 8,
            message_s=session_s * 0.6,
            flush_s=session_s * 0.8,
            rebalance_s=session_s * 1.5,
            commit_interval_s=s.commit_interval_s,
        ),
        batch_records=s.batch_records,
        http_host=host or "127.0.0.1",
        http_port=int(port),
        runtime=Runtime(switch_interval_s=s.switch_interval_s),
        max_output_bytes=s.output_max_bytes,
        remembering=_remembering(s) if s.state == "on" else None,
    )


def _remembering(s: Settings) -> Remembering:
    folder = s.state_folder or s.cache_dir / "state"
    return Remembering(max_live=s.state_live, store=s.state_store, folder=folder)


def sink_config(s: Settings) -> SinkConfig:
    """The configuration of a sink process."""
    return SinkConfig(
        bootstrap=s.kafka_bootstrap,
        topics=s.topics,
        dsn=s.clickhouse_dsn,
        group=s.sink_group,
        kafka_options=s.kafka_options,
        http=s.sink_http,
        session_timeout_s=s.session_timeout_s,
        max_ahead_s=s.max_ahead_s,
        output_max_bytes=s.output_max_bytes,
    )


def verify_config(s: Settings, share: float) -> VerifyConfig:
    """The configuration of a verifier process."""
    return VerifyConfig(
        bootstrap=s.kafka_bootstrap,
        topic=s.topics.decisions,
        group=s.verify_group,
        share=share,
        kafka_options=s.kafka_options,
        session_timeout_s=s.session_timeout_s,
        prefix=s.topic_prefix,
        max_bytes=s.output_max_bytes,
    )

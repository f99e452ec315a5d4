"""The small parts of the worker: placement, lease, origin, security, configuration, figures."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from contracts.clock import ManualClock
from contracts.decision import OriginHeaders
from contracts.identity import partition_of
from contracts.intake import Reason
from contracts.topics import Topics
from streams.answers import Answer, DeadLetter
from streams.config import Timeouts, WorkerConfig
from streams.errors import ConfigurationError, StateUnreadable, agent_failure
from streams.figures import MAX_UNKNOWN_PATHS, OTHER, Figures, Histogram
from streams.lanes import Lane, Passage
from streams.lease import Lease
from streams.origin import Origin, origin_headers, origin_of
from streams.placement import Placement
from streams.security import aiokafka_options
from streams.state.recovery import failure_of
from streams.supervision import Supervisor
from streams.transport import cut
from support.streams_fakes import FakeEvaluator, prescription, subject

CONFIG = WorkerConfig(bootstrap="localhost:9092", topics=Topics())


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=60), st.integers(1, 12))
def test_a_remembered_place_is_the_computed_one(keys: list[bytes], partitions: int) -> None:
    places = Placement(partitions, max_keys=10)
    for key in keys * 2:
        assert places[key] == partition_of(key, partitions)


def test_the_memory_of_places_is_bounded() -> None:
    places = Placement(4, max_keys=10)
    for number in range(1000):
        assert places[b"%d" % number] >= 0
    assert len(places) + len(places._old) <= 10


class Now:
    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


def test_a_lease_is_valid_only_after_a_heartbeat() -> None:
    now = Now()
    lease = Lease(10, 6, now)
    assert not lease.valid
    lease.renew(now.s)
    assert lease.valid


def test_a_lease_ends_so_early_that_the_last_output_still_leaves_within_the_session() -> None:
    now = Now()
    lease = Lease(10, 6, now)
    lease.renew(now.s)
    now.s += 3.9
    assert lease.valid
    now.s += 0.2
    assert not lease.valid


def test_a_late_answer_to_an_early_heartbeat_does_not_shorten_a_lease() -> None:
    now = Now()
    lease = Lease(10, 6, now)
    lease.renew(100)
    lease.renew(95)
    now.s = 103
    assert lease.valid


def test_a_revoked_lease_is_over() -> None:
    now = Now()
    lease = Lease(10, 6, now)
    lease.renew(now.s)
    lease.revoke()
    assert not lease.valid


def test_a_message_timeout_above_the_session_is_refused() -> None:
    with pytest.raises(ValueError, match="write over"):
        Lease(6, 6)


def test_the_origin_of_a_rekeyed_record_is_read_back() -> None:
    origin = Origin("in", 2, 17, 1_795_000_000_000)
    assert origin_of(origin_headers(origin), Origin("x", 0, 0, 0)) == origin


@pytest.mark.parametrize(
    "headers",
    [
        None,
        [],
        [(OriginHeaders.TOPIC, b"in")],
        [(OriginHeaders.TOPIC, b"in"), (OriginHeaders.PARTITION, b"x")],
        [(OriginHeaders.TOPIC, None), (OriginHeaders.PARTITION, b"1")],
    ],
)
def test_a_record_without_a_whole_origin_is_its_own(headers: list[tuple[str, bytes]]) -> None:
    here = Origin("x", 1, 2, 3)
    assert origin_of(headers, here) == here


def _records(*sizes: int) -> list[SimpleNamespace]:
    return [
        SimpleNamespace(offset=n, key=None, value=None if size < 0 else b"x" * size)
        for n, size in enumerate(sizes)
    ]


@given(st.lists(st.integers(-1, 300), min_size=1, max_size=40), st.integers(1, 500))
def test_cutting_keeps_every_record_in_order_and_within_the_bytes(
    sizes: list[int], limit: int
) -> None:
    records = _records(*sizes)
    parts = list(cut(records, limit))
    assert [r for part, _ in parts for r in part] == records
    for part, size in parts:
        assert part
        assert size == sum(len(r.value or b"") for r in part)
        assert len(part) == 1 or size <= limit


def test_security_options_reach_the_consumer() -> None:
    options = aiokafka_options(
        {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": "u",
            "sasl.password": "p",
            "ssl.endpoint.identification.algorithm": "none",
        }
    )
    assert options["security_protocol"] == "SASL_SSL"
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert options["sasl_plain_username"] == "u"
    context = options["ssl_context"]
    assert isinstance(context, ssl.SSLContext)
    assert not context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED


def test_an_option_that_not_every_client_understands_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="linger\\.ms"):
        replace(CONFIG, kafka_options={"linger.ms": "5"})


def test_timeouts_out_of_order_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="must keep this order"):
        Timeouts(session_s=6, message_s=6)
    with pytest.raises(ConfigurationError, match="must keep this order"):
        Timeouts(flush_s=20, rebalance_s=15)


def test_the_worker_reads_every_intake_topic_and_the_rekeyed_one() -> None:
    assert set(CONFIG.intake) == {*Topics().all_intake, Topics().rekeyed}


@pytest.mark.parametrize("queued", [1, 9, 4096])
def test_a_queue_of_batches_stays_short(queued: int) -> None:
    with pytest.raises(ConfigurationError, match="2 to 8"):
        replace(CONFIG, queued_batches=queued)


def test_a_histogram_counts_each_value_up_to_its_edge() -> None:
    histogram = Histogram((0.025, 0.05))
    for value in (0.01, 0.025, 0.03, 7.0):
        histogram.observe(value)
    assert histogram.counts == [2, 1, 1]
    assert histogram.sum == pytest.approx(7.065)


def _figures() -> Figures:
    return Figures(ManualClock(datetime(2026, 11, 20, tzinfo=UTC)))


def test_figures_count_what_an_answer_says() -> None:
    figures = _figures()
    answer = Supervisor(FakeEvaluator()).supervise(prescription(1, 1), subject(1).encode(), None)
    assert isinstance(answer, Answer)
    figures.answered(answer)
    assert figures.events == {"prescription.signed.v1": 1}
    assert figures.decisions == {("during", "findings"): 1}
    assert figures.alerts == {("rx.days", "during", "violation"): 1}
    assert figures.pairs["silent"] == 2


def test_figures_count_dead_letters_by_reason() -> None:
    figures = _figures()
    figures.refused(DeadLetter(b"", Reason.NOT_JSON, "$", ""))
    assert figures.dead_letters == {"not_json": 1}


def test_unknown_fields_are_counted_under_a_bounded_number_of_paths() -> None:
    figures = _figures()
    for number in range(MAX_UNKNOWN_PATHS + 50):
        figures._unknown((f"$.data.x{number}",))
    assert len(figures.unknown_fields) == MAX_UNKNOWN_PATHS + 1
    assert figures.unknown_fields[OTHER] == 50


def test_latency_runs_from_the_broker_taking_the_record_to_its_confirmed_answer() -> None:
    figures = _figures()
    now_ms = figures._clock.now_ms()
    passage = Passage(TP("a", 0), 1, 1, Lane(lambda lane: None, lambda error: None))
    passage.received_ms += [now_ms - 20, now_ms - 200, now_ms + 50]
    figures.confirmed(passage)
    assert sum(figures.latency.counts) == 3
    assert figures.latency.sum == pytest.approx(0.22)


def test_what_an_error_quotes_of_an_event_is_not_told() -> None:
    name = "hospital|7\ud800"
    try:
        name.encode()
    except UnicodeEncodeError as error:
        failures = [agent_failure(error), failure_of(error)]
    for failure in failures:
        assert "hospital" not in str(failure)
        assert "UnicodeEncodeError at line" in str(failure)
    assert "test_what_an_error_quotes" in str(failures[0])


def test_an_error_of_this_package_is_told_as_it_is() -> None:
    error = StateUnreadable("a remembered state is damaged")
    assert agent_failure(error) is failure_of(error) is error

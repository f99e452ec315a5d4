"""Bundles change in the middle: each decision is audited by the one it names."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from dataclasses import replace
from datetime import date
from itertools import islice
from pathlib import Path

import pytest

from contracts.bundle import content_key
from contracts.clock import SystemClock
from contracts.decision import Decision, Reader
from integration.conftest import Servers
from simulation import Simulator
from simulation.faults import cases_about
from simulation.feed import feed
from sinks.client import connect
from support.bundle_files import bundle
from support.bundled_workers import changed, shipped
from support.streams_worker import until
from yijian import chaos, drain, kafka_log, settings
from yijian.audit import audit
from yijian.bundles import registry, signing
from yijian.bundles.following import address
from yijian.composition import load_core
from yijian.settings import Settings
from yijian.stack import Size, Stack

pytestmark = pytest.mark.timeout(240)
PART = 600
read = Reader(Decision)


def in_force(stack: Stack) -> str:
    with urllib.request.urlopen(f"http://{stack.addresses['worker-0']}/health", timeout=5) as a:
        return str(json.load(a)["rules"]["digest"])


def decisions(s: Settings) -> list[Decision]:
    return [read(r.value or b"") for r in kafka_log.read(s, [s.topics.decisions])]


def test_bundles_that_change_in_the_middle_are_no_difference_and_a_planted_one_is(
    tmp_path: Path, servers: Servers
) -> None:
    key = signing.generate(tmp_path, "house")
    signer, trusted = signing.read_signer(key.private), signing.read_trusted([key.public])
    s = chaos.quick(settings.load({}), 3.0)
    s = replace(s, profile="demo", bundle_keys=(key.public,), **servers)
    core = load_core(s)
    cases = cases_about({"medication_safety.fluoroquinolone_minor", "medication_safety.allergy"})
    day = date(2026, 3, 2)
    simulator = Simulator(core.knowledge, 1, 200, day, fault_rate=0.9, cases=cases)
    events = simulator.events(3 * PART)
    with Stack(s, core.knowledge, Size()) as stack:
        s = stack.settings
        feed(islice(events, PART), s.kafka_bootstrap, s.topics)
        drain.until_drained(s, 60)
        digests = []
        for files in (changed(40), shipped()):
            wish = registry.Wish(signer, "tester", SystemClock().now())
            digest = registry.publish(s, bundle(files, signer), wish, trusted).digest
            until(lambda wanted=digest: in_force(stack) == wanted)
            feed(islice(events, PART), s.kafka_bootstrap, s.topics)
            drain.until_drained(s, 60)
            digests.append(digest)
        made = decisions(s)
        own = [d for d in made if d.scope == "patient" and d.cause == "event"]
        assert Counter(d.basis.bundle for d in own) == dict.fromkeys(["", *digests], PART)
        figures = audit(s, core)
        assert figures.passed, figures
        assert figures.intake_records == 3 * PART

        # Only the first bundle knows this limit: neither the files nor the second bundle would do.
        alert = next(
            finding.alert_id
            for decision in made
            for finding in decision.findings
            if any(threshold.value == 40 for threshold in finding.thresholds)
        )
        client = connect(s.clickhouse_dsn)
        try:
            client.command(
                f"ALTER TABLE alerts DELETE WHERE alert_id = '{alert}' SETTINGS mutations_sync = 1"
            )
        finally:
            client.close()
        figures = audit(s, core)
        assert (figures.differences, figures.broken) == (1, 1)
        assert figures.examples == {"differences": [alert]}

        registry.produce(address(s), {content_key(digests[0]): None})
        figures = audit(s, core)
        assert figures.broken == 0
        gone, *later = figures.examples["not_recomputed"]
        assert gone == f"bundle_not_found: {PART}"
        assert [text.partition(":")[0] for text in later] == ["past_not_recomputed"]
        assert not figures.passed

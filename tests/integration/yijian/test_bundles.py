"""Bundles swapped under load, refused, rolled back, and found again after a kill; on real Kafka."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from contracts.bundle import activation_key
from support.bundle_files import AT
from support.bundled_workers import Hospital, hospital
from support.streams_worker import until
from yijian import settings
from yijian.bundles import packing, registry, signing
from yijian.bundles.errors import RefusedBundle
from yijian.bundles.following import address
from yijian.cli import app
from yijian.composition import PACKS

ABOUT = packing.About(author="a province", created_at=AT)
pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


@pytest.fixture
def house(kafka: object, topic_prefix: str, tmp_path: Path) -> Hospital:
    return hospital(kafka.bootstrap, topic_prefix, tmp_path)  # type: ignore[attr-defined]


def test_a_swap_under_load_is_between_two_batches_and_broken_bundles_change_nothing(
    house: Hospital,
) -> None:
    one, two = house.bundle(house.shipped), house.bundle(house.changed(40))
    first = house.publish(one)
    broken = house.shipped | {"rules/billing/broken.yaml": "id: billing.broken\nfoo: 1\n"}
    stranger = signing.read_signer(signing.generate(house.folder / "other", "stranger").private)
    with house.workers("worker"):
        until(lambda: house.health().get("assigned"), what="assignment")
        assert house.rules()["digest"] == first
        with house.feeding(60_000, rate=800):
            until(lambda: house.decided() > 3000)
            house.publish(house.bundle(broken))
            until(lambda: house.rules()["refused"])
            house.publish(house.bundle(house.changed(99), stranger), stranger)
            until(lambda: len(house.rules()["refused"]) == 2)
            assert house.rules()["digest"] == first
            assert house.health()["ok"]
            second = house.publish(two)
            until(lambda: house.rules()["digest"] == second)
            swapped_at = house.decided()
            until(lambda: house.decided() > swapped_at + 2000)  # still under load
        until(house.all_done, deadline_s=90, what="the end of the work")
        report = house.rules()
        assert (report["refused"], report["refused_total"], report["swaps"]) == ([], 2, 1)
        metrics = house.metrics()
        assert f'digest="{second}"' in metrics
        assert 'yijian_bundle_refused_total{why="rules"} 1.0' in metrics
        assert 'yijian_bundle_refused_total{why="unknown_key"} 1.0' in metrics
    assert all(found == [first, second] for found in house.digests().values())
    made = house.check_every_decision({first: house.supervisor(one), second: house.supervisor(two)})
    assert min(made.values()) > 0


def test_workers_that_are_killed_around_a_swap_never_go_back(house: Hospital) -> None:
    raws = [house.bundle(house.shipped), house.bundle(house.changed(40))]
    first = house.publish(raws[0])
    with house.workers("one", "two") as processes:
        until(lambda: house.health("one").get("assigned") and house.health("two").get("assigned"))
        with house.feeding(60_000, rate=700, seed=2):
            until(lambda: house.decided() > 3000)
            processes.kill("one")
            second = house.publish(raws[1])
            processes.kill("two")
            until(lambda: house.rules("one").get("digest") == second)
            processes.kill("one")
            until(lambda: house.rules("two").get("digest") == second)
            swapped_at = house.decided()
            until(lambda: house.decided() > swapped_at + 2000)
        until(house.all_done, deadline_s=90, what="the end of the work")
    digests = list(house.digests().values())
    assert [first, second] in digests
    assert all(found in ([first, second], [second]) for found in digests)
    house.check_every_decision(
        {
            raw_digest: house.supervisor(raw)
            for raw_digest, raw in zip((first, second), raws, strict=True)
        }
    )


def test_a_rollback_is_one_command_and_a_worker_that_starts_later_follows_it(
    house: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.as_environ(house.settings).items():
        monkeypatch.setenv(name, value)
    raws = {
        raw: house.publish(raw) for raw in map(house.bundle, (house.shipped, house.changed(40)))
    }
    first, second = raws.values()
    events = house.events(2000)
    run = CliRunner().invoke
    with house.workers("worker") as processes:
        until(lambda: house.health().get("assigned"))
        assert house.rules()["digest"] == second
        house.feed(events[:1000])
        until(lambda: house.decided() >= 1000)
        answer = run(app, ["rules", "rollback", first[:10]])
        assert answer.exit_code == 0, answer.output
        assert answer.stdout.strip() == first
        until(lambda: house.rules()["digest"] == first)
        listed = run(app, ["rules", "bundles", "--status", house.addresses["worker"]])
        assert listed.exit_code == 0, listed.output
        assert first[:12] in listed.stdout
        again = run(app, ["rules", "rollback", first])
        assert (again.exit_code, "already" in again.stderr) == (0, True)
        house.feed(events[1000:])
        until(lambda: house.decided() >= 2000)
        assert processes.stop("worker") == 0
        house.start(processes, "worker")
        until(lambda: house.health().get("assigned"))
        assert house.rules()["digest"] == first
        assert house.rules()["sequence"] == 3
    assert all(found == [second, first] for found in house.digests().values())
    house.check_every_decision({digest: house.supervisor(raw) for raw, digest in raws.items()})


def test_a_worker_that_starts_beside_a_broken_bundle_takes_the_one_before(
    house: Hospital,
) -> None:
    first = house.publish(house.bundle(house.shipped))
    bad = house.publish(house.bundle(house.shipped | {"knowledge/x.yaml": "parameters: 1\n"}))
    registry.produce(address(house.settings), {activation_key("main", 7): b"forged"})
    with house.workers("worker"):
        until(lambda: house.health().get("assigned"))
        rules = house.rules()
    assert rules["digest"] == first
    assert [(one["sequence"], one["why"]) for one in rules["refused"]] == [
        (7, "not_a_bundle"),
        (2, "knowledge"),
    ]
    assert rules["refused"][1]["digest"] == bad


def test_a_channel_without_a_bundle_is_decided_by_files_and_says_so(house: Hospital) -> None:
    house.publish(house.bundle(house.shipped))
    house.settings = replace(house.settings, bundle_channel="canary")
    with house.workers("worker"):
        until(lambda: house.health().get("assigned"))
        rules = house.rules()
        assert (rules["mode"], rules["digest"], rules["channel"]) == ("bundles", "", "canary")
        assert rules["from"].startswith("files")


def test_publishing_checks_signs_and_lists(
    house: Hospital, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in settings.as_environ(house.settings).items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["rules", *words])

    assert json.loads(run("bundles", "--json").stdout)["bundles"] == []
    published = run("publish", "--note", "the first", "--json")
    assert published.exit_code == 0, published.output
    first = json.loads(published.stdout)["digest"]
    assert json.loads(run("publish", "--json").stdout)["changed"] is False

    # Somebody without our key carries a bundle here on a stick; it is signed when published.
    stick = tmp_path / "stick.bundle"
    fewer = {path: text for path, text in house.shipped.items() if "/billing/" not in path}
    stick.write_bytes(packing.pack(house.changed(40), ABOUT, None))
    failing = run("publish", str(stick))  # its own tests know the other limit
    assert failing.exit_code == 1
    assert "rules/medication_safety/fluoroquinolone_minor.test.yaml:" in failing.stdout
    stick.write_bytes(packing.pack(fewer, ABOUT, None))
    second = run("publish", str(stick))
    assert second.exit_code == 0, second.output

    stranger = signing.generate(tmp_path / "other", "stranger").private
    refused = run("publish", str(PACKS / "billing"), "--key", str(stranger))
    assert isinstance(refused.exception, RefusedBundle)
    assert "unknown_key" in str(refused.exception)
    refused = run("rollback", first, "--key", str(stranger))
    assert isinstance(refused.exception, RefusedBundle)
    broken = tmp_path / "mine" / "broken.yaml"
    broken.parent.mkdir()
    broken.write_text("id: mine.broken\nfoo: 1\n")
    assert run("publish", str(broken)).exit_code == 1
    unknown = run("rollback", "0123456789")
    assert "no such bundle" in str(unknown.exception)

    rows = json.loads(run("bundles", "--json").stdout)["bundles"]
    assert {row["digest"]: row["status"] for row in rows} == {
        first: "earlier",
        second.stdout.strip(): "in_force",
    }
    by_digest = {row["digest"]: row for row in rows}
    assert by_digest[first]["note"] == "the first"
    assert by_digest[first]["key_name"] == "hospital"
    assert run("bundles", "verify").exit_code == 0
    assert run("rollback", first[:8], "--json").exit_code == 0
    rows = json.loads(run("bundles", "--json").stdout)["bundles"]
    assert {row["digest"]: row["activations"] for row in rows}[first] == [3, 1]
    unreachable = run("bundles", "--status", "127.0.0.1:1")
    assert unreachable.exit_code == 3

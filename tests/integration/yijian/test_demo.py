"""The demonstration as a user runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import psutil
import pytest

pytestmark = pytest.mark.timeout(200)
COMMAND = [sys.executable, "-m", "yijian", "demo", "--rate", "3000", "--json"]


def test_every_injected_fault_is_found_and_nothing_is_lost_or_invented() -> None:
    done = subprocess.run([*COMMAND, "--events", "12000"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    summary = json.loads(done.stdout.decode().splitlines()[-1])
    assert summary["events"] == 12_000 + summary["fhir_events"]
    assert summary["decisions"] >= summary["events"]  # timers and groups have theirs besides
    assert summary["labels_expected"] > 150
    assert summary["labels_found"] == summary["labels_expected"], summary["missed_labels"]
    for name in ("false_alerts", "lost", "duplicates", "differences", "disorder", "dead_letters"):
        assert summary[name] == 0, (name, summary)
    found = {row["indicator"] for row in summary["indicators"]}
    assert found == {
        "outpatient_emergency_visits", "admissions", "discharges",
        "medical_income", "drug_income", "consumable_income",
    }  # fmt: skip


def test_ctrl_c_ends_the_feeding_and_leaves_nothing_behind() -> None:
    demo = subprocess.Popen(
        [*COMMAND, "--for", "10m"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert demo.stderr is not None
    for line in demo.stderr:
        if "feeding simulated traffic" in line:
            break
    children = psutil.Process(demo.pid).children(recursive=True)
    assert len(children) >= 4
    demo.send_signal(signal.SIGINT)
    out, err = demo.communicate(timeout=120)
    assert demo.returncode == 0, err[-3000:]
    assert json.loads(out.splitlines()[-1])["lost"] == 0
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive

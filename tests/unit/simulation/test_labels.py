"""The sidecar of labels."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest

from knowledge_base import KnowledgeBase
from simulation import SidecarError, Simulator, label_lines, read_labels, recording_labels


def test_written_labels_come_back(knowledge: KnowledgeBase) -> None:
    simulator = Simulator(knowledge, 3, 50, date(2026, 3, 17), fault_rate=0.5)
    out = BytesIO()
    events = list(recording_labels(simulator.events(2_000), out))
    assert len(events) == 2_000
    back = list(read_labels(out.getvalue().splitlines()))
    assert len(back) > 20
    assert back == [line for event in events for line in label_lines(event)]
    keys = {event.event.key for event in events}
    assert all(line.key in keys for line in back)


def test_a_line_that_is_no_label_is_refused_with_its_number() -> None:
    with pytest.raises(SidecarError, match="line 2"):
        list(read_labels([b"", b'{"source": "s"}']))

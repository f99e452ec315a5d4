"""The author's guide is true: every command runs, and prints what the guide says."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.kafka import Kafka
from support.author_guide import GUIDE, Reader, masked, steps

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]


def test_every_command_of_the_guide_does_what_the_guide_says(
    tmp_path: Path, kafka: Kafka, topic_prefix: str
) -> None:
    broker = {"YIJIAN_KAFKA_BOOTSTRAP": kafka.bootstrap, "YIJIAN_TOPIC_PREFIX": topic_prefix}
    reader = Reader(tmp_path, broker)
    count = 0
    for step in steps(GUIDE.read_text("utf-8")):
        done = reader.do(step)
        for number, (command, output, code) in enumerate(done, 1):
            where = f"rules/README.md:{step.line + 1}: $ {command.text}"
            said = "\n".join(output)
            assert code == (step.exit_code if number == len(done) else 0), f"{where}\n{said}"
            if not step.is_loose:
                hint = "run tests/support/author_guide.py to write it anew"
                assert masked(output) == masked(command.output), f"{where}: {hint}\n{said}"
            count += 1
    assert count > 15

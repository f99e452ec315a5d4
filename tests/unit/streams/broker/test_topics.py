from __future__ import annotations

import pytest

from streams.broker.errors import (
    MissingTopicsError,
    PartitionCountError,
    PartitionMismatch,
    UnequalPartitionsError,
)
from streams.broker.topics import (
    TopicChange,
    TopicSpec,
    apply_topics,
    check_equal_partitions,
    settings_diff,
)

NOBODY = "127.0.0.1:1"


def test_a_topic_is_cut_off_and_stamped_by_the_broker_unless_said_otherwise() -> None:
    assert TopicSpec("t", 4).config() == {
        "cleanup.policy": "delete",
        "max.message.bytes": "1048576",
        "message.timestamp.type": "LogAppendTime",
    }


def test_a_topic_may_keep_the_producers_time_and_its_own_retention() -> None:
    config = TopicSpec("t", 4, retention_ms=-1, log_append_time=False).config()
    assert config["message.timestamp.type"] == "CreateTime"
    assert config["retention.ms"] == "-1"


@pytest.mark.parametrize(("retention_ms", "policy"), [(None, "compact"), (1, "compact,delete")])
def test_a_compacted_topic_is_cut_off_only_with_a_retention(
    retention_ms: int | None, policy: str
) -> None:
    spec = TopicSpec("t", 4, retention_ms=retention_ms, compacted=True)
    assert spec.config()["cleanup.policy"] == policy


@pytest.mark.parametrize(
    ("partitions", "replication_factor", "max_message_bytes"), [(0, 1, 1), (1, 0, 1), (1, 1, 0)]
)
def test_a_topic_that_cannot_be_is_refused(
    partitions: int, replication_factor: int, max_message_bytes: int
) -> None:
    with pytest.raises(ValueError, match="topic t: "):
        TopicSpec("t", partitions, replication_factor, max_message_bytes=max_message_bytes)


def test_equal_settings_make_no_difference() -> None:
    wanted = TopicSpec("t", 1, retention_ms=5).config()
    assert settings_diff(wanted, dict(wanted)) == {}


def test_a_changed_setting_tells_both_values() -> None:
    assert settings_diff({"retention.ms": "9"}, {"retention.ms": "5"}) == {
        "retention.ms": ("5", "9")
    }


def test_a_setting_that_is_not_on_the_topic_is_added() -> None:
    assert settings_diff({"retention.ms": "9"}, {}) == {"retention.ms": (None, "9")}


def test_a_setting_of_ours_that_is_not_wanted_any_more_is_taken_off() -> None:
    assert settings_diff({}, {"retention.ms": "5"}) == {"retention.ms": ("5", None)}


def test_a_setting_that_somebody_else_made_stays() -> None:
    assert settings_diff({}, {"compression.type": "zstd"}) == {}


def test_a_topic_asked_for_twice_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(ValueError, match="more than once: t"):
        apply_topics(NOBODY, [TopicSpec("t", 1), TopicSpec("t", 2)])


def test_extra_settings_cannot_contradict_a_spec() -> None:
    with pytest.raises(ValueError, match=r"retention\.ms: that is decided by the TopicSpec"):
        apply_topics(NOBODY, [TopicSpec("t", 1)], {"retention.ms": "5"})


def test_no_topics_have_no_number_of_partitions() -> None:
    with pytest.raises(ValueError, match="at least one topic"):
        check_equal_partitions(NOBODY, [])


def test_a_refused_partition_count_names_topic_have_want_and_a_way_out() -> None:
    text = str(PartitionCountError([PartitionMismatch("a", 4, 8), PartitionMismatch("b", 2, 8)]))
    assert "a has 4, want 8; b has 2, want 8" in text
    assert "Set the number back" in text


def test_unequal_partitions_are_all_named() -> None:
    assert "a=4, b=3" in str(UnequalPartitionsError({"b": 3, "a": 4}))


def test_missing_topics_are_all_named_with_the_command_that_makes_them() -> None:
    text = str(MissingTopicsError(["a", "b"], NOBODY))
    assert "a, b" in text
    assert "yijian topics apply" in text


def test_what_was_done_to_a_topic_is_told_in_a_line() -> None:
    settings = {"retention.ms": (None, "5"), "cleanup.policy": ("delete", "compact")}
    assert str(TopicChange("a", True, settings)) == "a: created 已创建"
    told = "a: retention.ms unset → 5, cleanup.policy delete → compact"
    assert str(TopicChange("a", False, settings)) == told

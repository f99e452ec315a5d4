"""Where to resume: after what is recorded of this very log, else at its start."""

from __future__ import annotations

import pytest

from sinks.errors import PositionInvalid
from sinks.kafka_log import LogPart
from sinks.positions import Recorded, resume_at

LOG = LogPart("cluster", "t", "id-1", 0, low=10, high=50)


def test_without_a_record_it_starts_at_the_logs_start() -> None:
    assert resume_at(LOG, {}) == 10
    assert resume_at(LOG, {("t", 1): [Recorded("cluster", "id-1", 40)]}) == 10


@pytest.mark.parametrize(("last", "at"), [(9, 10), (20, 21), (49, 50)])
def test_it_goes_on_after_what_is_recorded(last: int, at: int) -> None:
    assert resume_at(LOG, {("t", 0): [Recorded("cluster", "id-1", last)]}) == at


@pytest.mark.parametrize(
    ("recorded", "says"),
    [
        (Recorded("cluster", "id-0", 20), "made anew"),
        (Recorded("other", "id-1", 20), "another broker"),
        (Recorded("cluster", "id-1", 5), "records 6 to 9 were deleted"),
        (Recorded("cluster", "id-1", 50), "cut off"),
    ],
)
def test_a_position_that_does_not_fit_the_log_is_an_error_that_says_what_to_do(
    recorded: Recorded, says: str
) -> None:
    with pytest.raises(PositionInvalid) as error:
        resume_at(LOG, {("t", 0): [recorded]})
    assert says in str(error.value)
    assert "yijian rebuild" in str(error.value)
    assert str(error.value).startswith("t, partition 0:")


def test_one_record_of_another_log_beside_the_right_one_is_still_an_error() -> None:
    both = [Recorded("cluster", "id-1", 20), Recorded("cluster", "id-0", 99)]
    with pytest.raises(PositionInvalid):
        resume_at(LOG, {("t", 0): both})

"""Which decisions are looked at."""

from __future__ import annotations

import uuid

import pytest

from yijian.verify.sampling import is_sampled

IDS = [str(uuid.uuid5(uuid.NAMESPACE_URL, str(n))) for n in range(4000)]


def test_all_or_none() -> None:
    assert all(is_sampled(i, 100) for i in IDS)
    assert not any(is_sampled(i, 0) for i in IDS)


@pytest.mark.parametrize("share", [0.5, 5, 25, 90])
def test_the_share_is_what_was_asked_for(share: float) -> None:
    chosen = sum(is_sampled(i, share) for i in IDS)
    assert abs(chosen / len(IDS) * 100 - share) < 2.5


def test_a_bigger_share_contains_a_smaller_one_whoever_asks() -> None:
    small = {i for i in IDS if is_sampled(i, 10)}
    assert small <= {i for i in IDS if is_sampled(i, 20)}
    assert small == {i for i in reversed(IDS) if is_sampled(i, 10)}

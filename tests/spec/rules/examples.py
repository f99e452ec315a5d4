"""How many examples a law is tried on, in the usual run and in the nightly one."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def usual(examples: int) -> settings:
    """So many examples, the same every time; in the profile `nightly` twenty times as many, new."""
    default = settings.default
    scale = default.max_examples / 100 if default is not None else 1.0
    return settings(
        max_examples=max(1, round(examples * scale)),
        derandomize=scale <= 1,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )

"""How many examples the laws are tried on: `--hypothesis-profile nightly` tries twenty times more.

The usual run tries the same examples every time; the nightly one new ones.
"""

from hypothesis import HealthCheck, settings

_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)

settings.register_profile(
    "usual", max_examples=100, derandomize=True, deadline=None, suppress_health_check=_SLOW
)
settings.register_profile(
    "nightly", max_examples=2000, derandomize=False, deadline=None, suppress_health_check=_SLOW,
    print_blob=True,
)  # fmt: skip

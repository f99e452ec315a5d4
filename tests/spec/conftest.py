"""How many examples the laws are tried on: `make nightly` tries twenty times more, `make check` a
tenth.

The usual run tries the same examples every time. The nightly one, HYPOTHESIS_PROFILE=nightly or
`--hypothesis-profile nightly`, tries new ones.
"""

import os

from hypothesis import HealthCheck, settings

_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)

settings.register_profile(
    "usual", max_examples=100, derandomize=True, deadline=None, suppress_health_check=_SLOW
)
settings.register_profile(
    "quick", max_examples=10, derandomize=True, deadline=None, suppress_health_check=_SLOW
)
settings.register_profile(
    "nightly", max_examples=2000, derandomize=False, deadline=None, suppress_health_check=_SLOW,
    print_blob=True,
)  # fmt: skip
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))

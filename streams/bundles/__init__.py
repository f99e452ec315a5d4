"""Where a worker's rules come from: files, or signed bundles that are broadcast while it works.

rules = BundledRules(config, judge, files, clock); rules.start()
supervise = rules.supervisor.supervise      # asked once a batch: a batch is decided by one bundle
"""

from streams.bundles.following import BundledRules, BundleSource, Judge
from streams.bundles.rules import FixedRules, Rules
from streams.bundles.standing import Refused, Standing

__all__ = [
    "BundleSource",
    "BundledRules",
    "FixedRules",
    "Judge",
    "Refused",
    "Rules",
    "Standing",
]

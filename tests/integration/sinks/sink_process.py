"""A sink in a process of its own, for tests that kill or freeze it: settings as JSON on argv."""

import json
import logging
import sys

from contracts.topics import Topics
from sinks.cuts import Limits
from sinks.writer import SinkConfig, run

if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    topics = Topics(given.pop("prefix"), tuple(given.pop("systems")))
    limits = Limits(**given.pop("limits", {}))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    sys.exit(run(SinkConfig(topics=topics, limits=limits, **given)))

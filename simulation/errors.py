"""What can go wrong in the simulation.

SimulationError
├── NothingToSimulate   the knowledge base lacks what a day needs, or the day has not begun
├── FeedError           the broker did not confirm every record
└── SidecarError        a labels file cannot be read
"""

from __future__ import annotations


class SimulationError(Exception):
    """Base of all errors of this package."""


class NothingToSimulate(SimulationError):
    """No believable day can be made of what was given; the message says what is missing."""


class FeedError(SimulationError):
    """The broker did not confirm every record that was sent."""


class SidecarError(SimulationError):
    """A line of a labels file is not a label; the message names the line."""

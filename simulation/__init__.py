"""Labelled synthetic hospital traffic.

simulator = Simulator(knowledge, seed=1, patients=500, day=date(2026, 11, 22))
for event in simulator.events(limit=20_000):
    event.bytes, event.labels
"""

from simulation.chart import SOURCE_PREFIX
from simulation.errors import FeedError, NothingToSimulate, SidecarError, SimulationError
from simulation.labels import Label, LabelLine, label_lines, read_labels, recording_labels
from simulation.simulator import DEFAULT_FAULT_RATE, SimulatedEvent, Simulator

__all__ = [
    "DEFAULT_FAULT_RATE",
    "SOURCE_PREFIX",
    "FeedError",
    "Label",
    "LabelLine",
    "NothingToSimulate",
    "SidecarError",
    "SimulatedEvent",
    "SimulationError",
    "Simulator",
    "label_lines",
    "read_labels",
    "recording_labels",
]

"""Composition root: settings, command line, demo. The only place that wires the rooms together."""

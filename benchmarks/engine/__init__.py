"""Our engine against its peers on the same rules and events: `python -m benchmarks.engine`."""

"""Numbered SQL files, applied in order by sinks.schema; a file that was released never changes."""

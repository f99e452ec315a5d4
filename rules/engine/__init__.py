"""The compiled engine: events in, decisions out."""

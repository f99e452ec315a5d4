"""The data standard: typed events, decisions, alerts, dead letters, and their names."""

"""The rule author's tools: tests, explanations, the lock, a new rule's files."""

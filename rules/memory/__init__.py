"""What is remembered of a patient or a group, and what an event does to it. Pure."""

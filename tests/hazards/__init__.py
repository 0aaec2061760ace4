"""Hazards of forking a warm process: each is shown to behave as in a cold run."""

"""Benchmarks beside their peers, measured in the same invocation. `python -m tests.bench`; see docs/benchmarks.md."""

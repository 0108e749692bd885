"""Measures speed, which tests never do: ``python -m benchmarks``."""

"""Benchmarks: the time of a gradient, by workload and by who computes it."""

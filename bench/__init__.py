"""Benchmarks: what this costs, beside what the machine can do in the same run."""

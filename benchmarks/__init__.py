"""Measurements that repeat: `make bench`. Never part of the tests; quote medians and ratios, machines are noisy."""

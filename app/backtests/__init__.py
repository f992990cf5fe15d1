"""Trying a plan on the past: recorded tickets, folded through the live clock under other terms."""

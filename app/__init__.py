"""Heliodesk: the service that keeps the promises of premium support."""

__version__ = "0.1.0"

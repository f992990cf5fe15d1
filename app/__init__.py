"""Heliodesk: the service that keeps the promises of premium support."""

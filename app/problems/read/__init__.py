"""Queries on problems."""

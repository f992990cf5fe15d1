"""Queries on notices."""

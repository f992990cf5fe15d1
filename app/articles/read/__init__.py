"""Queries on articles, and the search."""

"""Hooks and maintenance windows over HTTP."""

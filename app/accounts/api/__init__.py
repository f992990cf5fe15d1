"""Accounts, people and keys over HTTP."""

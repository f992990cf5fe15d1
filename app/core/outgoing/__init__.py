"""Outgoing HTTP: the one connector, and the addresses that it may reach."""

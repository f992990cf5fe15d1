"""Decisions about deliveries, without any I/O."""

"""Tickets: opening, answering, pausing, raising, resolving; what a miss does to them."""

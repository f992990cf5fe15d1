"""Which expert takes a ticket."""

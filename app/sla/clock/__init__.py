"""The clock of one ticket."""

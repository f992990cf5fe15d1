"""Background passes that follow the events."""

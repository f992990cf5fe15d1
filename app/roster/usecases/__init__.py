"""What is done with the roster."""

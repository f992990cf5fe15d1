"""What is done with accounts, people and keys."""

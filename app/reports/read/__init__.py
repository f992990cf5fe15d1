"""What reports answer, from what is counted."""

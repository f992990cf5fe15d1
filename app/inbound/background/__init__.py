"""What becomes of what hooks have received."""

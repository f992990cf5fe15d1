"""What sends notices."""

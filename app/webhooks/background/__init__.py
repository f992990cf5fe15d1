"""What sends deliveries, and what makes those of endpoints that are behind."""

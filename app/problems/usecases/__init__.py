"""What people do with problems."""

"""What messages to people say. Pure."""

"""What an endpoint is sent: the event itself, a projection of it, or a message for a chat."""

"""What is done with hooks, their payloads and maintenance windows."""

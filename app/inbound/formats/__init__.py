"""From what senders post to signals."""

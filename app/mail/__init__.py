"""Mail with customers: who is told of what has happened on a ticket, and who wants to hear no more of it."""

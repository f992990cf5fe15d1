"""E-mail that comes in: what a message says, who has written it, and what is to become of it."""

"""Test accounts, whose clock stands still until it is moved."""

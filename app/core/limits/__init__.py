"""How much callers may ask at once and in a minute."""

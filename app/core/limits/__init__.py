"""How much callers may ask at once and in a minute, and how many of something they may have."""

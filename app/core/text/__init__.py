"""Texts for people: their language, messages, and moments and lengths of time as it writes them."""

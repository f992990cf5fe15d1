"""Texts for people: their language, and moments and lengths of time as it writes them."""

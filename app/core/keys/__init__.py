"""API keys: finding out whose they are, and what they are limited to."""

"""The plan document: its types, its checks, and what can be read off it."""

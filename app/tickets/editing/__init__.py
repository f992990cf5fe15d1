"""One ticket under change, in memory, and how it is loaded and written."""

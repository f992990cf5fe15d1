"""The routes of problems."""

"""The routes of the knowledge base."""

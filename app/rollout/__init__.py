"""Applying plan versions to open tickets (C14)."""

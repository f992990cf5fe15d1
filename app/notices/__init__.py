"""Telling people of our own side: managers, technical account managers, experts. Webhooks tell programs."""

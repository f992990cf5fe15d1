"""Signed webhooks: endpoints, the outbox, signing and delivery."""

"""The permanent history: one envelope for the timeline, the feed and the webhooks."""

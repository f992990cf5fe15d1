"""Coaching: what support tells one of its engineers about a ticket, and that they have read it."""

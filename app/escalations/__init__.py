"""Escalations: asked for by people, or made by the service when a promise is missed."""

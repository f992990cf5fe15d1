"""Endpoints and deliveries over HTTP."""

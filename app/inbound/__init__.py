"""Inbound hooks: what monitoring and other automation send becomes tickets."""

"""Replaying stored tickets (C18), and what another time-zone database would move."""

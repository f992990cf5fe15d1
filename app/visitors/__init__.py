"""Visitors: who calls from a browser, by the word of the host product whose page it is."""

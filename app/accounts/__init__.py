"""Customers: accounts, their people and roles, the keys that act for them."""

"""Statements of the forms that many features need."""

"""Stores of files: an S3-compatible one, and a folder."""

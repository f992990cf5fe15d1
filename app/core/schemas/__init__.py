"""The shapes that resources share, and what is said of input that does not fit."""

"""The kit of which operations are made, and its parts."""

"""Working time: when a calendar is open, and when a promise on it is due."""

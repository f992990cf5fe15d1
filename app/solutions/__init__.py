"""Articles that have solved something, and tickets for which there is none."""

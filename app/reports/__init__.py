"""What was promised and what was kept: attainment, lateness and volume, counted from the events of tickets."""

"""Problems (ITIL): what is behind incidents that are alike, followed by one specialist from start to end."""

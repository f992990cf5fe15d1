"""Pages that wake people: how each engineer is reached when a ticket needs them now, and after how many minutes."""

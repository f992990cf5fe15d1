"""What the service does with tickets by itself, beside the sweep."""

"""From text to a checked plan document, or all of its faults."""

"""What operators measure: how much is stored that waits, and since when."""

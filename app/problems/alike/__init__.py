"""Which incidents are alike."""

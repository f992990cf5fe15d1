"""Who makes the links of calls."""

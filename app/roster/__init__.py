"""Who works on what: engineers, and later regions, shifts and the choice of an expert."""

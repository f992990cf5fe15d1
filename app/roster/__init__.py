"""Who works on what: engineers, regions, shifts, and the choice of an expert."""

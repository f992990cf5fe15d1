"""The clockwork above the tickets: whatever is due somewhere is claimed and processed, by any number of replicas."""

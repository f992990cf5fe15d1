"""The clockwork above the tickets: whatever is due somewhere is claimed and settled, by any number of replicas."""

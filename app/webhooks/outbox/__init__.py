"""The outbox: filled, claimed, and told what has become of each delivery."""

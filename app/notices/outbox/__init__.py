"""The outbox: filled with the events, claimed, and told what has become of each notice."""

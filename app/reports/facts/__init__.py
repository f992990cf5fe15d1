"""What reports count: each promise and moment of a ticket, folded from its events and kept."""

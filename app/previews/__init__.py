"""What a deadline is made of, and what would become of a ticket: explanations (C19) and previews."""

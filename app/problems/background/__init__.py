"""What finds problems, and tells tickets of them."""

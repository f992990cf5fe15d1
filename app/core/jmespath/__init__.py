"""JMESPath within a budget."""

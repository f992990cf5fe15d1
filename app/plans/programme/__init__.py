"""A programme as a page: what a plan document promises, in the words of its reader's language. Pure."""

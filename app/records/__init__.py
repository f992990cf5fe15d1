"""The historical record of an account, and of one of its people, as JSON and as a page that prints."""

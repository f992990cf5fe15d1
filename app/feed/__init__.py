"""The feed: the events of all tickets in one order, to be read page by page or as a stream."""

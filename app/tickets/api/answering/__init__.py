"""The page on which an engineer answers an alert from a message."""

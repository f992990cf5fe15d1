"""The command ``heliodesk``, and what only it uses."""

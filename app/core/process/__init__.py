"""What one process looks after by itself: its event loop, its caches, its metrics as text."""

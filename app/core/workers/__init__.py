"""Worker processes, in which heavy computations run."""

"""The help widget: its script, its texts, and the pages of ours that show it."""

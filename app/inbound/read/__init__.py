"""Reading hooks, receipts and maintenance windows."""

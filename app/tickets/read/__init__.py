"""Reading tickets."""

"""Why a deadline is due when it is."""

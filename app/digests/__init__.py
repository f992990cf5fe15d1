"""The weekly digest: what a technical account manager's accounts have open, at risk and missed (W1)."""

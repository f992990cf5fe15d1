"""The live call of a P1: the customer's own link, or a room made by a provider."""

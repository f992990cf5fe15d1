"""Signs of life of the background passes, for ``/readyz``."""


class Heartbeats:
    """When each background pass last finished a round; instants are seconds of ``clock.monotonic()``."""

    def __init__(self) -> None:
        self._limits: dict[str, float] = {}
        self._last: dict[str, float] = {}

    def expect(self, name: str, *, within: float, now: float) -> None:
        """From now on the pass ``name`` has to beat at least every ``within`` seconds."""
        self._limits[name] = within
        self._last[name] = now

    def beat(self, name: str, now: float) -> None:
        """The pass has finished a round."""
        self._last[name] = now

    def ages(self, now: float) -> dict[str, float]:
        """Seconds since the last beat of each pass."""
        return {name: now - last for name, last in self._last.items()}

    def late(self, now: float) -> list[str]:
        """The passes that have not beaten within their limit."""
        ages = self.ages(now)
        return [name for name, limit in self._limits.items() if ages[name] > limit]

"""A class for each problem type of the service: ``except problems.NotFound``."""

from heliodesk_client.generated import problems as _generated
from heliodesk_client.generated.problems import *  # noqa: F403 - all of it, by what it says is public

__all__ = _generated.__all__

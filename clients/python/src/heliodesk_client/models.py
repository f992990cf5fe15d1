"""What is sent and answered."""

from heliodesk_client.generated import models as _generated
from heliodesk_client.generated.models import *  # noqa: F403 - all of it, by what it says is public

__all__ = _generated.__all__

"""Who follows a ticket beside its requester, as people name them. Pure."""

from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field

from app.core.schemas.shared import ActorRef, Email, EmailRef, Locale, Name, Strict

MOST_WATCHERS: Final = 20
_EXAMPLE: Final[dict[str, Any]] = {"email": "tom@example.com", "name": "Tom Berg"}


class Watcher(Strict):
    """Somebody who follows a ticket: told by e-mail what its requester is told, and lets them see it and answer."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    email: Email
    name: Name | None = None
    locale: Locale | None = Field(
        None,
        description="In which mails are written to them. Default: that of the account's person with this address, else "
        "the requester's",
    )


Watchers = Annotated[list[Watcher], Field(max_length=MOST_WATCHERS)]


class NewWatcher(Watcher):
    """Somebody who is to follow a ticket."""

    actor: ActorRef | None = None


class WatcherRef(Strict):
    """Somebody who is to follow a ticket no more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "tom@example.com"}]})

    email: EmailRef | None = Field(None, description="Default: a visitor's own")
    actor: ActorRef | None = None

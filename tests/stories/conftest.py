"""Stories of calls need Google Meet's stand-in, those of e-mail a hook."""

from tests.calls.conftest import google, key, meet, meet_settings, outgoing
from tests.inbound.conftest import make_desk
from tests.inbound.mail.conftest import mailbox, post

__all__ = ["google", "key", "mailbox", "make_desk", "meet", "meet_settings", "outgoing", "post"]

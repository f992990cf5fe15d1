"""Notices go to a mailbox."""

from tests.support.mailbox import channels, mailbox

__all__ = ["channels", "mailbox"]

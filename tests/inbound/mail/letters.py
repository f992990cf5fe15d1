"""E-mails as they come to a hook."""

from itertools import count
from typing import Final

GATEWAY: Final = "mx.helpers.example"
_numbers = count(1)
ANA: Final = "Ana Silva <ana@example.com>"
BOB: Final = "Bob Nowak <bob@stranger.example>"


def letter(body: str = "It is 3.2.", sender: str = ANA, *, vouched: object = True, **fields: str) -> bytes:
    """A message; ``vouched``: the gateway has found that it is from its sender's domain. ``In_Reply_To`` is a field."""
    domain = sender.rpartition("@")[2].rstrip(">")
    result = f"dmarc=pass header.from={domain}" if vouched else "dmarc=fail"
    named = {
        "Authentication-Results": f"{GATEWAY}; {result}",
        "From": sender,
        "To": "support@helpers.example",
        "Subject": "Backups fail",
        "Message-ID": f"<{next(_numbers)}@mail.example.com>",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
    }
    named |= {name.replace("_", "-"): value for name, value in fields.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items() if value)
    return f"{head}\r\n{body}".replace("\r\n", "\n").replace("\n", "\r\n").encode()


def bounce(email: str, message_id: str) -> bytes:
    """What Postfix tells of a mail that nobody takes."""
    return f"""Return-Path: <>
From: MAILER-DAEMON@mx.example.com
To: support@helpers.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"
Message-ID: <bounce@mx.example.com>

--b
Content-Type: text/plain

Sorry.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; {email}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
Subject: x

--b--
""".encode()

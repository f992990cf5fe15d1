"""E-mails as they come to a hook."""

from itertools import count
from typing import Final

GATEWAY: Final = "mx.helpers.example"
_numbers = count(1)
ANA: Final = "Ana Silva <ana@example.com>"


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

"""What ``heliodesk up`` tells whoever started it: where it serves, its keys, and commands that work as pasted."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

_URL = "URL"


def banner(url: str, data: Path | None, demo_keys: Path | None, *, loopback: bool = False) -> str:
    """Where the service is, and what to type next.

    ``data``: the folder of an embedded database. ``loopback``: whether the demo lets webhooks reach this machine.
    """
    lines = [f"Heliodesk serves on {url}   API: {url}/docs   (Ctrl-C stops it)"]
    if demo_keys and demo_keys.exists():
        lines += [
            "In another terminal:",
            f"  . {_quoted(demo_keys)}",
            '  curl -s "$URL/v1/tickets" -H "Authorization: Bearer $ACCOUNT_KEY"',
        ]
    if loopback:
        lines.append(
            "Webhooks may be sent to this machine, since this is a demo (HELIODESK_ALLOW_NETWORKS= forbids it)"
        )
    if data:
        lines.append(f"Another admin key:  {admin_key_command(data)}")
    return "\n".join(lines)


def admin_key_command(data: Path) -> str:
    """The command that makes another admin key, whatever folder it is typed in."""
    return f"{shlex.quote(str(Path(sys.argv[0]).absolute()))} admin-key --data {_quoted(data)}"


def keep_keys(path: Path, values: Mapping[str, str]) -> None:
    """Write variables for a shell to read, for the owner of the file alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))


def keep_url(path: Path, url: str) -> None:
    """Let the variables name the address of this start; nothing happens where there are none."""
    if path.exists():
        keep_keys(path, {_URL: url} | {name: value for name, value in kept_keys(path).items() if name != _URL})


def kept_keys(path: Path) -> dict[str, str]:
    """The variables that the file names; none where there is no file."""
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split("=", 1) for line in lines)


def _quoted(path: Path) -> str:
    return shlex.quote(str(path.absolute()))

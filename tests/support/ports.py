"""Ports for servers of tests."""

import socket
from contextlib import ExitStack
from itertools import count
from random import randrange
from typing import Final

_FIRST: Final = 10_240
_END: Final = 32_768
"""Below the ports that systems give to outgoing connections: no test's client takes one before its server listens."""
_numbers = count(randrange(_END - _FIRST))  # noqa: S311  so that test runs beside each other seldom ask for the same


def is_free(port: int, *hosts: str) -> bool:
    """Whether nothing listens on a port at these addresses, or at 127.0.0.1."""
    with ExitStack() as probes:
        try:
            for host in hosts or ("127.0.0.1",):
                probes.enter_context(socket.create_server((host, port)))
        except OSError:
            return False
    return True


def free_port(*hosts: str) -> int:
    """A port on which nothing listens at these addresses, or at 127.0.0.1."""
    ports = (_FIRST + number % (_END - _FIRST) for number in _numbers)
    return next(port for port in ports if is_free(port, *hosts))

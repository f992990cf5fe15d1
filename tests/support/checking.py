"""``heliodesk check`` as an operator runs it."""

import re
import subprocess

from tests.support.service import heliodesk

LAST = re.compile(r"([\d,]+) tickets in \d+\.\d s \([\d,]+ a second\)\. Differences: (.*)\n\Z")


def check(database: str, *arguments: str) -> tuple[int, list[str], str]:
    """The exit code, what is printed before the last line, and what standard error says."""
    environment = {"DATABASE_URL": database}
    process = heliodesk("check", *arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    printed, errors = process.communicate(timeout=60)
    return process.wait(), printed.decode().splitlines(keepends=True), errors.decode()


def summary(line: str) -> tuple[str, str]:
    """What its last line says: how many tickets, and which differences."""
    found = LAST.match(line)
    assert found, line
    return found[1], found[2]

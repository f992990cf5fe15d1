"""``heliodesk check`` as an operator runs it."""

import re

from tests.support.service import heliodesk

LAST = re.compile(r"([\d,]+) tickets? in \d+\.\d s \([\d,]+ a second\)\. Differences: (.*)\n\Z")


def check(database: str, *arguments: str) -> tuple[int, list[str], str]:
    """The exit code, the lines that are printed, and what standard error says."""
    done = heliodesk("check", *arguments, DATABASE_URL=database)
    return done.code, done.printed.splitlines(keepends=True), done.errors


def summary(line: str) -> tuple[str, str]:
    """What its last line says: how many tickets, and which differences."""
    found = LAST.match(line)
    assert found, line
    return found[1], found[2]

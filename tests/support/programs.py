"""Programs of the machine that some tests need."""

import os
import shutil

import pytest


def program(name: str, package: str) -> str:
    """The path of a program. Without it the test is skipped; in CI, where it has to be there, it fails."""
    path = shutil.which(name)
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not on PATH: install the package {package}")
    if path is None:
        pytest.skip(f"{name} is not on PATH; to run this test install the package {package}")
    return path

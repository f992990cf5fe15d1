"""Each state of the widget, as assistive technology finds it: axe-core has nothing to say.

With ``HELIODESK_SCREENSHOTS`` each is also written to that folder as a picture, in all looks.
"""

import os
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Page

from app.core.text.language import LANGUAGES
from tests.support.npm import installed
from tests.support.service import ROOT
from tests.widget.conftest import Host
from tests.widget.states import Walk

FOLDER: Final = os.environ.get("HELIODESK_SCREENSHOTS", "")
SIZES: Final = {"desktop": (1280, 800), "phone": (390, 844)}
LOOKS: Final = (
    list(product(["light", "dark"], SIZES, LANGUAGES))
    if FOLDER
    else [
        ("light", "desktop", "en"),
        ("dark", "phone", "de"),
    ]
)
_RUN: Final = """async () => (await axe.run('heliodesk-widget', {resultTypes: ["violations"]})).violations.map(
    ({id, nodes}) => `${id}: ${nodes.map(({target, failureSummary}) => `${target} ${failureSummary}`).join("; ")}`)"""


@pytest.mark.parametrize(("scheme", "size", "language"), LOOKS)
async def test_axe_finds_nothing_in_any_state(host: Host, scheme: Any, size: str, language: str) -> None:
    axe = (installed(ROOT / "tests" / "widget" / "npm") / "axe-core" / "axe.min.js").read_text()
    width, height = SIZES[size]
    await host.page.set_viewport_size({"width": width, "height": height})
    await host.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    found: dict[str, list[str]] = {}
    async for name in Walk(host, language).states():
        await host.page.evaluate(axe)
        found[name] = await host.page.evaluate(_RUN)
        await _keep(host.page, f"{name}-{scheme}-{size}-{language}")
        wide = await host.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name} scrolls sideways"
    assert len(found) == 13
    assert [(name, *faults) for name, faults in found.items() if faults] == []


async def _keep(page: Page, name: str) -> None:
    if FOLDER:
        await page.screenshot(path=Path(FOLDER) / f"{name}.png")

"""Each state of the widget, as assistive technology finds it: axe-core has nothing to say.

With ``HELIODESK_SCREENSHOTS`` each is also written to that folder as a picture, in all looks and languages.
"""

import os
from itertools import product
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Page

from app.core.text.language import LANGUAGES
from tests.support.npm import installed
from tests.support.service import ROOT
from tests.widget.conftest import Host
from tests.widget.states import Walk

FOLDER: Final = os.environ.get("HELIODESK_SCREENSHOTS", "")
SIZES: Final = {"phone": (390, 844), "desktop": (1280, 800)}
LOOKS: Final = list(product(SIZES, ("dark", "light"))) if FOLDER else [("phone", "dark"), ("desktop", "light")]
NARROW: Final = (320, 400)
"""A desktop at 400 % (WCAG 2.2, 1.4.10)."""
STATES: Final = 33
_RUN: Final = """async (rules) => {
  const { violations } = await axe.run("heliodesk-widget", { resultTypes: ["violations"], ...rules });
  const what = ({ target, failureSummary }) => `${target} ${failureSummary}`;
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(what).join("; ")}`);
}"""
_SIDEWAYS: Final = """() => {
  const { shadowRoot } = document.querySelector("heliodesk-widget");
  return [document.documentElement, ...shadowRoot.querySelectorAll("dialog[open] .view, .page .view")]
    .some((each) => each.scrollWidth > each.clientWidth);
}"""
_LOOKS_ALONE: Final = {"runOnly": ["color-contrast", "target-size", "scrollable-region-focusable"]}
"""The rules whose verdict depends on colours and sizes; all others are asked once a state."""


@pytest.mark.parametrize("language", LANGUAGES if FOLDER else ["de"])
async def test_axe_finds_nothing_in_any_state(host: Host, language: str) -> None:
    host.complains = True  # of what the walk breaks: the network, a link
    axe = (installed(ROOT / "tests" / "widget" / "npm") / "axe-core" / "axe.min.js").read_text()
    found: dict[str, list[str]] = {}
    states = []
    await _look(host.page, *LOOKS[-1])
    async for name in Walk(host, language).states():
        states.append(name)
        if not await host.page.evaluate("'axe' in window"):
            await host.page.evaluate(axe)
        for look in LOOKS:
            await _look(host.page, *look)
            shown = "-".join((name, *look, language))
            found[shown] = await host.page.evaluate(_RUN, {} if look == LOOKS[-1] else _LOOKS_ALONE)
            if FOLDER:
                await host.page.screenshot(path=Path(FOLDER) / f"{shown}.png")
        for width, height in (NARROW, *SIZES.values()):
            await host.page.set_viewport_size({"width": width, "height": height})
            if await host.page.evaluate(_SIDEWAYS):
                found[f"{name}-{language} at {width} pixels"] = ["it scrolls sideways"]
    assert len(states) == STATES
    assert {name: faults for name, faults in found.items() if faults} == {}


async def _look(page: Page, size: str, scheme: str) -> None:
    width, height = SIZES[size]
    await page.set_viewport_size({"width": width, "height": height})
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]  # a Literal

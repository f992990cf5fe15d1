"""Mails as a person sees them: in light and dark, on a phone and a desktop; their text as terminals show it.

With ``HELIODESK_SCREENSHOTS`` each is also written to that folder, as pictures and as text, in all languages.
"""

import os
from itertools import product
from pathlib import Path
from typing import Final

import pytest

from app.core.text.language import LANGUAGES
from app.notices.sending.letters import in_columns
from tests.notices.samples import samples
from tests.support.browsing import Browsers
from tests.support.npm import installed
from tests.support.service import ROOT

FOLDER: Final = os.environ.get("HELIODESK_SCREENSHOTS", "")
SIZES: Final = {"phone": 390, "desktop": 900}
LOOKS: Final = list(product(SIZES, ("dark", "light"))) if FOLDER else [("phone", "dark"), ("desktop", "light")]
COLUMNS: Final = 78
_RUN: Final = """async () => {
  const { violations } = await axe.run({ runOnly: ["color-contrast", "link-name", "target-size", "html-has-lang"] });
  const narrow = document.documentElement;
  const wide = narrow.scrollWidth > narrow.clientWidth ? ["it scrolls sideways"] : [];
  return [...wide, ...violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join("; ")}`)];
}"""


@pytest.mark.parametrize("language", LANGUAGES if FOLDER else ["de"])
async def test_mails_are_read_in_light_and_dark_on_a_phone_and_a_desktop(browsers: Browsers, language: str) -> None:
    axe = (installed(ROOT / "tests" / "widget" / "npm") / "axe-core" / "axe.min.js").read_text()
    found: dict[str, list[str]] = {}
    async with browsers.page() as page:
        for name, letter in samples(language).items():
            if FOLDER:
                told = f"Subject: {letter.title}\n\n{in_columns(letter.text)}"
                (Path(FOLDER) / f"mail-{name}-{language}.txt").write_text(told, encoding="utf-8")
            if letter.html is None:
                continue
            await page.set_content(letter.html)
            await page.evaluate(axe)
            for size, scheme in LOOKS:
                await page.set_viewport_size({"width": SIZES[size], "height": 600})
                await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # a Literal
                shown = f"mail-{name}-{size}-{scheme}-{language}"
                found[shown] = await page.evaluate(_RUN)
                if FOLDER:
                    await page.screenshot(path=Path(FOLDER) / f"{shown}.png", full_page=True)
    assert len(found) == 16 * len(LOOKS)
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_of_a_mail_fits_a_terminal_and_the_html_needs_nothing(language: str) -> None:
    for name, letter in samples(language).items():
        long = [line for line in in_columns(letter.text).splitlines() if len(line) > COLUMNS and " " in line.strip()]
        assert [line for line in long if not line.startswith((" ", ">"))] == [], name
        assert letter.title.strip(), name
        for forbidden in ("<script", "<link", "<img", "@import", "url("):
            assert forbidden not in (letter.html or ""), name


def test_lists_of_mails_show_what_has_happened_and_not_the_subject_again() -> None:
    shown = {name: letter.html for name, letter in samples("fr").items() if letter.html}
    said = {
        "first-answer": "Notre première réponse, envoyée par Jan Nowak · Thank you for the log.",
        "several": "8 nouveautés sur votre ticket · L&#39;appel est prêt · ",
        "number": "Son numéro est K7M-3QP",
        "report": "Rapport d&#39;assistance",
    }
    for name, text in said.items():
        assert f'<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">{text}' in shown[name], name
    assert "1er janvier 2027" in shown["report"]

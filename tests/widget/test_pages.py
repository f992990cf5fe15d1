"""What browsers load of the widget: small, of any origin, and with every text in every language."""

import gzip
import re
import sys
from importlib.resources import files

import httpx
import pytest

from app.core.text.language import LANGUAGES, SOURCE
from app.widget import pages
from app.widget.texts import TEXTS, catalogue

MOST = 15 * 1024
"""Bytes of the compressed script."""
_ASKED = re.compile(r"""\bt\(\s*["'`]([\w$\{\}]+)["'`]""")
_MADE = {
    "status_": ("new", "open", "waiting_on_customer", "mitigated", "resolved", "closed"),
    "impact_": ("large", "medium", "small"),
    "urgency_": ("high", "medium", "low"),
    "due_": ("first_response", "next_response", "update", "resolution"),
    "late_": ("first_response", "next_response", "update", "resolution"),
    "file_": ("quarantined", "left_out"),
    "escalate_": (
        "business_impact",
        "resolution_time",
        "no_update",
        "too_many_exchanges",
        "wrong_priority",
        "technical_expertise",
    ),
}
"""Names that the script puts together."""


def test_the_script_is_small(capsys: pytest.CaptureFixture[str]) -> None:
    size = len(pages.compressed())
    with capsys.disabled():
        sys.stdout.write(f"widget.js: {size} bytes compressed, {len(pages.script())} as it is\n")
    assert size <= MOST


def test_all_parts_of_the_script_are_served() -> None:
    parts = {path.name for path in (files("app.widget") / "script").iterdir()}
    assert parts == {*(f"{part}.js" for part in pages._PARTS), "style.css"}


def test_the_script_is_what_was_written_without_its_comments() -> None:
    folder = files("app.widget") / "script"
    written = "\n".join((folder / f"{part}.js").read_text() for part in pages._PARTS)
    bare = re.sub(r"/\*.*?\*/|(?m:^\s*//[^\n]*$)|(?<=[;,{}])\s*// [^\n]*|\s", "", written, flags=re.DOTALL)
    sheet = re.sub(r"\s", "", (folder / "style.css").read_text())
    _, _, served = re.sub(r"\s", "", pages.script()).partition('";')[2].partition('";')
    assert served == f"constcss=`{sheet}`;{bare}}})();"


def test_every_text_that_the_script_asks_for_is_there_and_no_other() -> None:
    text = pages.script()
    quoted = set(re.findall(r"""["'`](\w+)["'`]""", text))
    asked = {name for name in _ASKED.findall(text) if "$" not in name}
    made = {prefix + name for prefix, names in _MADE.items() for name in names}
    assert asked - set(TEXTS) == set()
    assert made - set(TEXTS) == set()
    assert set(TEXTS) - made - quoted == set()


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != SOURCE])
def test_every_text_is_there_in_every_language(language: str) -> None:
    english, said = catalogue(SOURCE), catalogue(language)
    alike = {name for name in TEXTS if said[name] == english[name]}
    assert alike <= {"messages", "support", "optional", "status_new", "you"}
    assert {name for name in TEXTS if ("{at}" in english[name]) != ("{at}" in said[name])} == set()


@pytest.mark.parametrize("path", ["/widget.js", "/widget/texts/de"])
async def test_pages_of_other_origins_load_it_once(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers={"Origin": "https://shop.example"})
    assert answer.status_code == 200
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"].startswith("public, max-age=")
    again = await client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])
    assert (await client.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_the_script_is_sent_as_the_browser_takes_it(client: httpx.AsyncClient) -> None:
    plain = await client.get("/widget.js", headers={"Accept-Encoding": "identity"})
    small = await client.get("/widget.js", headers={"Accept-Encoding": "br, gzip"})
    assert plain.text == small.text == pages.script()
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert (plain.headers.get("content-encoding"), small.headers["content-encoding"]) == (None, "gzip")
    assert plain.headers["etag"] != small.headers["etag"]
    assert {answer.headers["vary"] for answer in (plain, small)} == {"Accept-Encoding"}
    assert gzip.decompress(pages.compressed()).decode() == plain.text


@pytest.mark.parametrize(
    ("tag", "language"), [("de", "de"), ("es-MX", "es"), ("pt-BR", "en"), ("xx", "en"), ("fr, de;q=0.5", "fr")]
)
async def test_texts_are_in_the_language_that_suits_best(client: httpx.AsyncClient, tag: str, language: str) -> None:
    answer = await client.get(f"/widget/texts/{tag}")
    assert (answer.json()["language"], answer.headers["content-language"]) == (language, language)
    assert answer.json()["texts"] == catalogue(language)


async def test_the_page_of_ours_loads_nothing_but_the_script(client: httpx.AsyncClient) -> None:
    answer = await client.get("/help")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy

"""Whatever an article's Markdown says, its HTML runs nothing; its plain text is what is searched."""

import re

import pytest

from app.articles.markdown import html, plain

ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt&colon;alert(1))",
    "[a](data:text/html,<script>alert(1)</script>)",
    "[a](vbscript:x)",
    "![a](javascript:alert(1))",
    '![a](https://example.com/a.png"onerror="alert(1))',
    '<https://example.com/"onmouseover="alert(1)>',
    "<iframe src=https://example.com></iframe>",
    "```html\n<script>alert(1)</script>\n```",
    "| <svg onload=alert(1)> |\n| --- |\n| <style>*{}</style> |",
    "[a]: javascript:alert(1)\n\n[a]",
)


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_nothing_in_it_runs(attack: str) -> None:
    shown = html(attack)
    runs = re.compile(r"script|style|svg|iframe|\son\w+=|(javascript|data|vbscript):", re.IGNORECASE)
    assert not [tag for tag in re.findall(r"<[^>]*>", shown) if runs.search(tag)]


def test_what_articles_need_is_there() -> None:
    shown = html(
        "# A\n\n1. **b** `c` [d](https://example.com)\n\n| e |\n| - |\n| ~~f~~ |\n\n![g](https://example.com/g.png)"
    )
    for part in (
        "<h1>A</h1>",
        "<strong>b</strong> <code>c</code>",
        'href="https://example.com"',
        "<s>f</s>",
        'alt="g"',
    ):
        assert part in shown


def test_plain_text_has_a_line_for_each_block() -> None:
    assert plain("# A *b*\nc\nd `e`\n\n- f\n- [g](https://example.com)\n\n```\nh\n```") == "A b\nc d e\nf\ng\nh"

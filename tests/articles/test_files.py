"""A knowledge base in files: what is written is read again as the same."""

from typing import Any

import pytest

from app.articles.files import file_name, read_article, written
from app.articles.schemas import NewArticle
from app.core.problems import Invalid
from tests.support.articles import BACKUP, PDF, RUNBOOK

FILE = """---
title: "Export: it fails"
tags: [pdf]
audience: public
---

# What to do

Try *again*.

---

And again.
"""


def test_a_file_is_an_article() -> None:
    article = read_article("export-fails.en.md", FILE)
    assert (article.slug, article.language, article.status, article.tags) == (
        "export-fails",
        "en",
        "published",
        ["pdf"],
    )
    assert article.body == "# What to do\n\nTry *again*.\n\n---\n\nAnd again."
    assert read_article("export-fails.en.md", FILE.replace("\n", "\r\n")) == article


@pytest.mark.parametrize("said", [PDF, BACKUP, RUNBOOK | {"status": "archived"}], ids=lambda said: str(said["slug"]))
def test_what_is_written_is_read_again(said: dict[str, Any]) -> None:
    article = NewArticle.model_validate(said | {"body": "\n    code\n\n---\n\ntext: ó\n"})
    assert read_article(file_name(article), written(article)) == article


@pytest.mark.parametrize(
    ("name", "text", "places"),
    [
        ("export.md", FILE, [""]),
        ("Export.en.md", FILE, ["/slug"]),
        ("export.en.md", "# Export", [""]),
        ("export.en.md", "---\ntitle: [\n---\n\nText", [""]),
        ("export.en.md", "---\n- a\n---\n\nText", [""]),
        ("export.en.md", f"---\ntitle: {'[' * 5000}\n---\n\nText", [""]),
        ("export.en.md", "---\ntitle: A\ntitle: B\n---\n\nText", [""]),
        ("export.en.md", "---\ntitle: &a [b]\ntags: [*a, *a]\n---\n\nText", [""]),
        ("export.en.md", "---\ntitle: A\n? [a]\n: b\n? {a: b}\n: c\n---\n\nText", [""]),
        (
            "export.en.md",
            "---\naudience: all\nbody: x\nproducts: a\n---\n",
            ["/title", "/body", "/audience", "/products"],
        ),
    ],
    ids=range(10),
)
def test_all_that_is_wrong_is_told(name: str, text: str, places: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        read_article(name, text)
    assert {fault["pointer"] for fault in refused.value.errors} == set(places)


@pytest.mark.parametrize("title", ["2024-13-45", "2024-01-01", "12:30:59", "yes", "1_000", "9" * 5000, "null and void"])
def test_a_title_is_text_whatever_it_looks_like(title: str) -> None:
    article = read_article("export.en.md", f"---\ntitle: {title[:300]}\nproduct: 007\n---\n\nText")
    assert (article.title, article.product) == (title[:300], "007")

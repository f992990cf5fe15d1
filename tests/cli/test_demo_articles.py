"""The knowledge base of the demo."""

from app.articles.markdown import html, plain
from app.cli.commands.demo import demo_articles


def test_the_demo_begins_with_articles_for_everybody_in_five_languages() -> None:
    articles = demo_articles()
    assert len(articles) >= 12
    assert {article.language for article in articles} == {"en", "es", "fr", "pl", "de"}
    assert {article.audience for article in articles} == {"public", "customers", "internal"}
    assert {article.status for article in articles} == {"published"}
    assert len({(article.slug, article.language) for article in articles}) == len(articles)
    for article in articles:
        assert article.product
        assert article.tags
        assert len(plain(article.body)) > 100
        assert "<p>" in html(article.body) or "<ol>" in html(article.body)

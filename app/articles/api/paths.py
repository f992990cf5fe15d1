"""Paths of articles: what stands in the place of an id is one, unless it is the name of an operation."""

from typing import Final

from starlette.convertors import StringConvertor, register_url_convertor


class _ArticleConvertor(StringConvertor):
    regex = "(?!(?:search|suggest)(?:/|$))[^/]+"


register_url_convertor("article", _ArticleConvertor())
BY_ID: Final = "/{article_id:article}"

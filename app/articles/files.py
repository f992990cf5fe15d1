"""Articles as files, so that a knowledge base can live in git: Markdown with front matter in YAML. Pure.

``la-exportacion-falla.es.md`` is the article with this slug in this language.
"""

import re
from typing import Any, Final

import yaml
from pydantic import ValidationError

from app.articles.schemas import ArticleFields, NewArticle
from app.core.problems import Fault, Invalid
from app.core.text.messages import Message, _
from app.core.web.faults import document_faults

SUFFIX: Final = ".md"
_NAME: Final = re.compile(r"(?P<slug>.+)\.(?P<language>[^.]+)\.md")
_FRONT: Final = re.compile(r"---[ \t]*\n(?P<front>.*?)(?:\n|(?<=\n))---[ \t]*(?:\n(?P<body>.*)|$)", re.DOTALL)
_HEAD: Final = tuple(name for name in ArticleFields.model_fields if name != "body")


def read_article(name: str, text: str) -> NewArticle:
    """The article in a file of this name. 422 with all that is wrong with it. Without a status it is published."""
    match, parts = _NAME.fullmatch(name), _FRONT.fullmatch(text.replace("\r\n", "\n"))
    if match is None:
        raise _wrong(_("The file's name is not like export-fails.en.md"))
    if parts is None:
        raise _wrong(_("The file does not begin with front matter between two lines of three hyphens"))
    said = {"status": "published"} | _front(parts["front"]) | match.groupdict() | {"body": parts["body"] or ""}
    try:
        return NewArticle.model_validate(said)
    except ValidationError as error:
        raise Invalid(errors=document_faults(error.errors(), said)) from error


def _front(text: str) -> dict[str, Any]:
    try:
        front = yaml.load(text, Loader=_Plain)  # noqa: S506  a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _wrong(_("This is not YAML: {reason}.", reason=" ".join(str(error).split()))) from error
    if not isinstance(front, dict):
        raise _wrong(_("Front matter names the article's members, as in title: Export fails"))
    return front


class _Plain(yaml.SafeLoader):
    """Reads texts, lists and mappings alone: no dates, no numbers, no aliases, and no member twice."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node. An alias is refused: a few lines of them stand for millions of nodes."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "an alias is not read", None)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, *given: bool, **named: bool) -> dict[Any, Any]:
        """The mapping, whose members are all different."""
        said: set[str] = set()
        for key, _value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # no hash can be made of it, so that it is refused below
            if (name := key.value) in said:
                raise yaml.constructor.ConstructorError(None, None, f"{name} is there twice", key.start_mark)
            said.add(name)
        return super().construct_mapping(node, *given, **named)


_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:null"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _wrong(detail: Message) -> Invalid:
    return Invalid(errors=[Fault(pointer="", detail=detail)])


def file_name(article: NewArticle) -> str:
    """What the file of an article is called."""
    return f"{article.slug}.{article.language}{SUFFIX}"


def written(article: NewArticle) -> str:
    """The text of its file; read again, it is the same article."""
    head = {name: getattr(article, name) for name in _HEAD}
    said = {name: value for name, value in head.items() if value not in (None, [])}
    front = yaml.safe_dump(said, allow_unicode=True, sort_keys=False, width=100)
    return f"---\n{front}---\n\n{article.body}\n"

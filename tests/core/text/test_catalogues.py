"""The catalogues say everything that the code says, and nothing else."""

import ast
import json
import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path
from string import Formatter
from typing import Final

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir

from app.core.text import catalogues
from app.core.text.messages import Message, _, from_stored, in_language, joined, ngettext, pgettext, to_stored, verbatim

_CALLS: Final = ("_", "pgettext", "ngettext")
TRANSLATED: Final = [language for language in catalogues.LANGUAGES if language != catalogues.SOURCE]
EVERY_CATALOGUE: Final = pytest.mark.parametrize("language", TRANSLATED)


@pytest.fixture(scope="module")
def template() -> Catalog:
    found = Catalog()
    for _file, line, message, _comments, context in extract_from_dir(catalogues.FOLDER.parent):
        found.add(message, context=context, locations=[(_file, line)])
    return found


def texts(found: str | Iterable[str] | None) -> list[str]:
    return [found] if isinstance(found, str) else list(found or ())


def fields(text: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in Formatter().parse(text) if name is not None}


def faults(template: Catalog, catalogue: Catalog) -> Iterator[str]:
    """What a translator has still to do."""
    for wanted in template:
        if not wanted.id:
            continue
        found = catalogue.get(wanted.id, wanted.context)
        if found is None or not texts(found.string) or not all(texts(found.string)):
            yield f"missing: {wanted.context or ''} {wanted.id}"
        elif found.fuzzy:
            yield f"fuzzy: {wanted.id}"
        elif wanted.pluralizable and len(texts(found.string)) != catalogue.num_plurals:
            yield f"{len(texts(found.string))} plurals: {wanted.id}"
        else:
            known = set.union(*map(fields, texts(wanted.id)))
            yield from (f"placeholders: {text}" for text in texts(found.string) if _differs(text, known, wanted.id))
    for found in catalogue:
        if found.id and template.get(found.id, found.context) is None:
            yield f"nobody says: {found.context or ''} {found.id}"
    yield from (f"obsolete: {message_id}" for message_id in catalogue.obsolete)


def _differs(text: str, known: set[str], message_id: object) -> bool:
    """A plural may leave its number out; any other text has exactly the placeholders of the English one."""
    may_lack = set() if isinstance(message_id, str) else {"n"}
    return fields(text) - known != set() or known - fields(text) - may_lack != set()


@EVERY_CATALOGUE
def test_a_catalogue_is_complete_and_has_nothing_else(template: Catalog, language: str) -> None:
    assert list(faults(template, catalogues.read(language))) == []


@EVERY_CATALOGUE
def test_a_catalogue_has_as_many_plurals_as_its_language(language: str) -> None:
    catalogue = catalogues.read(language)
    assert catalogue.num_plurals == (3 if language == "pl" else 2)
    assert catalogue.locale_identifier == language


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('msgid "Hello {name}"\nmsgstr ""', "missing:  Hello {name}"),
        ('#, fuzzy\nmsgid "Hello {name}"\nmsgstr "Hola {name}"', "fuzzy: Hello {name}"),
        ('msgid "Hello {name}"\nmsgstr "Hola {nombre}"', "placeholders: Hola {nombre}"),
        ('msgid "Hello {name}"\nmsgstr "Hola"', "placeholders: Hola"),
        ('msgid "Hello {name}"\nmsgstr "Hola {name}"\n\nmsgid "Bye"\nmsgstr "Adiós"', "nobody says:  Bye"),
        ('msgid "Hello {name}"\nmsgstr "Hola {name}"\n\n#~ msgid "Bye"\n#~ msgstr "Adiós"', "obsolete: Bye"),
    ],
    ids=["missing", "fuzzy", "other placeholder", "no placeholder", "unused", "obsolete"],
)
def test_what_is_wrong_with_a_catalogue_is_found(tmp_path: Path, text: str, fault: str) -> None:
    template = Catalog()
    template.add("Hello {name}")
    write(tmp_path, "es", text)
    assert list(faults(template, catalogues.read("es", tmp_path))) == [fault]


def test_too_few_plurals_are_found(tmp_path: Path) -> None:
    template = Catalog()
    template.add(("{n} day", "{n} days"))
    write(tmp_path, "pl", 'msgid "{n} day"\nmsgid_plural "{n} days"\nmsgstr[0] "{n} dzień"\nmsgstr[1] "{n} dni"')
    assert list(faults(template, catalogues.read("pl", tmp_path))) == ["missing:  ('{n} day', '{n} days')"]


def write(folder: Path, language: str, text: str) -> None:
    path = catalogues.path_of(language, folder)
    path.parent.mkdir(parents=True)
    path.write_text(f'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n{text}\n', encoding="utf-8")


def test_a_language_is_one_file(tmp_path: Path) -> None:
    write(tmp_path, "pt-BR", 'msgid "Accept"\nmsgstr "Aceitar"')
    assert catalogues.languages_in(tmp_path) == ("en", "pt-BR")
    assert catalogues.translations("pt-BR", tmp_path).gettext("Accept") == "Aceitar"
    assert catalogues.translations("pt-BR", tmp_path).gettext("Decline") == "Decline"


def test_the_languages_are_those_of_the_catalogues() -> None:
    assert catalogues.LANGUAGES == ("en", "de", "es", "fr", "pl")


def test_a_message_reads_as_english_and_can_be_said_in_every_language() -> None:
    message = _("{metric}: {share}% of the time is used up", metric=pgettext("metric", "Update"), share=75)
    assert message == "Update: 75% of the time is used up"
    assert message.to("pl") == "Informacja o postępach: upłynęło 75% czasu"
    assert pickle.loads(pickle.dumps(message)).to("pl") == message.to("pl")  # noqa: S301  our own
    assert in_language(message, "de") == "Zwischenstand: 75\u00a0% der Zeit sind verbraucht"
    assert in_language("Update", "de") == "Update"


def test_the_same_english_word_has_a_translation_for_each_context() -> None:
    assert pgettext("urgency", "medium").to("fr") == "moyenne"
    assert pgettext("impact", "medium").to("fr") == "moyen"


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, "1 dzień roboczy"), (22, "22 dni robocze"), (5, "5 dni roboczych")],
)
def test_polish_has_three_plurals(count: int, expected: str) -> None:
    assert ngettext("{n} business day", "{n} business days", count).to("pl") == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "At most 1,048,576: a, b, and c"),
        ("de", "At most 1.048.576: a, b und c"),
        ("pl", "At most 1\u00a0048\u00a0576: a, b i c"),
    ],
)
def test_numbers_and_lists_are_written_as_the_language_writes_them(language: str, expected: str) -> None:
    assert Message("At most {most}: {names}", {"most": 1_048_576, "names": ["a", "b", "c"]}).to(language) == expected


def test_what_others_write_is_left_alone() -> None:
    assert verbatim("No such {file}").to("es") == "No such {file}"
    assert _("New status: {status}", status="{x} is my word").to("es") == "Nuevo estado: {x} is my word"


@pytest.mark.parametrize(
    "message",
    [
        _("Accept"),
        _("{metric}: {share}% of the time is used up", metric=pgettext("metric", "Update"), share=75),
        ngettext("{n} business day", "{n} business days", 22),
        joined((_("Accept"), "a {brace}", _("Decline"))),
        Message("{names}", {"names": [_("Accept"), "b"]}),
        _("The projection failed: {error}", error=ValueError("{error}")),
    ],
    ids=str,
)
def test_a_stored_message_is_said_in_every_language(message: Message) -> None:
    stored = json.loads(json.dumps(to_stored(message)))
    restored = from_stored(str(message), stored)
    assert [restored, *map(restored.to, TRANSLATED)] == [message, *map(message.to, TRANSLATED)]


def test_a_text_that_was_stored_alone_is_looked_up() -> None:
    assert from_stored("Accept").to("de") == "Annehmen"
    assert from_stored("Connection to {host} lost").to("de") == "Connection to {host} lost"
    assert to_stored("somebody else's") is to_stored(None) is None


def given_otherwise(tree: ast.AST) -> Iterator[str]:
    """Messages in the code that are given other facts than they have placeholders; those without any get them later."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _CALLS and call.keywords:
            forms = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            wanted = set.union(*map(fields, forms)) - {"n"}
            given = {keyword.arg for keyword in call.keywords}
            if None not in given and wanted != given:
                yield forms[-1]


def test_every_message_is_given_the_facts_that_it_names() -> None:
    sources = catalogues.FOLDER.parent.rglob("*.py")
    assert [text for path in sources for text in given_otherwise(ast.parse(path.read_text()))] == []
    assert list(given_otherwise(ast.parse('_("{a} and {b}", a=1)'))) == ["{a} and {b}"]


_TELLING: Final = frozenset(
    {"detail", "error", "errors", "failure", "message", "omissions", "reason", "refused", "warning"}
)
"""Members of answers, and arguments of what makes them, that people read."""
_OF_A_PROTOCOL: Final = {"Event processed"}  # what PagerDuty answers, whatever language its client reads


def _is_sentence(node: ast.AST) -> bool:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    texts = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return any(" " in text.strip() and text not in _OF_A_PROTOCOL for text in texts)


def said_in_english_alone(tree: ast.AST) -> Iterator[str]:
    """Sentences that functions give to people without a catalogue between them."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for node in (node for function in functions for part in function.body for node in ast.walk(part)):
        if isinstance(node, ast.Dict):
            members = [(getattr(key, "value", None), value) for key, value in zip(node.keys, node.values, strict=True)]
        elif isinstance(node, ast.Call):
            members = [(keyword.arg, keyword.value) for keyword in node.keywords]
        else:
            continue
        yield from (ast.unparse(value) for name, value in members if name in _TELLING and _is_sentence(value))


def test_what_functions_tell_people_is_in_the_catalogues() -> None:
    """Errors that reach people take a message, so types see to those; this sees to the members of answers."""
    sources = [path for path in catalogues.FOLDER.parent.rglob("*.py") if "cli" not in path.parts]
    assert [text for path in sources for text in said_in_english_alone(ast.parse(path.read_text()))] == []
    bad = ast.parse('def f(x):\n    return {"error": f"It is {x} s", "reason": "no_update"} | dict(detail="No way")')
    assert list(said_in_english_alone(bad)) == ["f'It is {x} s'", "'No way'"]

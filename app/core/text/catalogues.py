"""The languages that the service writes, and the catalogues that hold its texts in them.

``app/locale/<language>/LC_MESSAGES/heliodesk.po`` is the source and is what is read, when a text is first wanted in
that language: nothing is compiled beforehand. English is the language of the message ids and has no catalogue.
"""

import gettext
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

SOURCE: Final = "en"
"""The language in which the code writes its texts."""
FOLDER: Final = Path(__file__).parents[2] / "locale"
_FILE: Final = "LC_MESSAGES/heliodesk.po"


def languages_in(folder: Path) -> tuple[str, ...]:
    """English, and every language that has a catalogue in the folder, as BCP 47 tags (``pt-BR``)."""
    found = (path.parts[-3].replace("_", "-") for path in folder.glob(f"*/{_FILE}"))
    return (SOURCE, *sorted(found))


LANGUAGES: Final = languages_in(FOLDER)


def path_of(language: str, folder: Path = FOLDER) -> Path:
    """The catalogue of a language."""
    return folder / language.replace("-", "_") / _FILE


def read(language: str, folder: Path = FOLDER) -> Catalog:
    """The catalogue as translators edit it."""
    with path_of(language, folder).open("rb") as file:
        return read_po(file, locale=language.replace("-", "_"))


@cache
def translations(language: str, folder: Path = FOLDER) -> gettext.NullTranslations:
    """The texts of a language; English and what a catalogue lacks are as the code writes them."""
    if language == SOURCE:
        return gettext.NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, read(language, folder))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)

"""Texts such as a help desk has, in four languages: made up, but with the frequencies of real ones.

Words are drawn by Zipf's law. The most frequent are those of the labelled tickets in their order; behind them come some
ten thousand that are made up of the language's letters, as names, rare words and mistyped ones are. Sentences that many
people write, greetings and signatures are repeated as they stand, in tickets. Numbers, versions, codes, addresses and
hours are somewhere in most texts. The same seed gives the same texts.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, Final

_HERE: Final = Path(__file__).parent
SETS: Final = tuple(
    _HERE / name
    for name in (
        *("known/tuning.jsonl", "known/heldout.jsonl", "known/crossing.jsonl", "known/unseen.jsonl"),
        *("problems/tuning.jsonl", "problems/styles.jsonl"),
    )
)
LANGUAGES: Final = ("en", "es", "fr", "pl")
_SHARES: Final = (50, 20, 20, 10)
_VOCABULARY: Final = 12_000
_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+")
_GREETINGS: Final = {
    "en": ("Hi,", "Hello team,", "Good morning,", "Dear support,"),
    "es": ("Hola,", "Buenos días,", "Estimado equipo:", "Buenas tardes,"),
    "fr": ("Bonjour,", "Bonjour à tous,", "Madame, Monsieur,", "Salut,"),
    "pl": ("Dzień dobry,", "Witam,", "Cześć,", "Szanowni Państwo,"),
}
_CLOSINGS: Final = {
    "en": ("Thanks, {name}", "Best regards, {name}", "Please help as soon as possible. {name}", "Sent from my phone"),
    "es": (
        "Gracias, {name}",
        "Un saludo, {name}",
        "Quedo a la espera de su respuesta. {name}",
        "Enviado desde mi móvil",
    ),
    "fr": ("Merci, {name}", "Cordialement, {name}", "Merci de votre aide rapide. {name}", "Envoyé de mon téléphone"),
    "pl": ("Pozdrawiam, {name}", "Z góry dziękuję, {name}", "Proszę o szybką pomoc. {name}", "Wysłano z telefonu"),
}

SEARCHES: Final = (
    *("kraken", "leviathan", "zzyzx", "kraken error", "leviathan backup", "unicorn kraken", "krak", "zzyzx qwxv"),
    *("error", "backup", "the", "de", "we", "export", "backup fails", "mot de passe", "copia de seguridad"),
    *("exportación falla", "exportacion fala", "exportaciones fallando", "blad lacznosci", "błąd łączności"),
    *("invoyce", "passwrod reset", "certificado proxy copia", "rapport export timeout erreur", "NIP faktura korekta"),
    *("pr", "pa", "a1", "12", "55", "7f b2", "ab cd ef", "1 2 3 4 5 6 7 8 9 0", "a b c d e f g h i j k l"),
    *("E504", "10.0.3.17", "2026-11-03", "webhook 502 timeout", "INV-20417", "user4711", "00A-B12", "ana@example.com"),
    "the report is not there and we cannot open it since this morning please help",
    "no puedo exportar el informe desde ayer por la tarde y los clientes lo esperan",
    "je ne peux plus ouvrir le tableau de bord depuis la mise à jour de lundi",
    "od wczoraj nie działa kopia zapasowa i nie mogę zalogować się do panelu klienta",
)
"""What people search for, well and badly."""


@dataclass(frozen=True, slots=True)
class _Words:
    """A language: its words with their weights, and the titles and sentences that people repeat."""

    words: Sequence[str]
    weights: Sequence[float]
    titles: Sequence[str]
    sentences: Sequence[str]
    repeated: Sequence[float]

    def drawn(self, random: Random, many: int) -> list[str]:
        return random.choices(self.words, cum_weights=self.weights, k=many)


@dataclass(frozen=True, slots=True)
class Text:
    """A text of somebody, with its title, in a language, on a product or on none."""

    language: str
    title: str
    text: str
    product: str | None


def read(path: Path) -> list[dict[str, Any]]:
    """A file with a JSON object in each line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def tickets(many: int, seed: int = 7) -> Iterator[Text]:
    """What customers write: half a sentence, a dozen lines, or now and then a long log."""
    random = Random(seed)
    for _ in range(many):
        yield _text(random, min(600, int(random.lognormvariate(3.7, 0.7))), letter=True)


def articles(many: int, seed: int = 11) -> Iterator[Text]:
    """What a knowledge base says: some hundred words each, and no sentence or title of a ticket.

    An article with a ticket's own title would rightly be a better hit than the one that is labelled.
    """
    random = Random(seed)
    for _ in range(many):
        yield _text(random, min(1_200, 30 + int(random.lognormvariate(4.6, 0.6))), letter=False)


@cache
def vocabulary(language: str) -> Sequence[str]:
    """The words of a language, the most frequent first."""
    return _language(language).words


def _text(random: Random, words: int, *, letter: bool) -> Text:
    (language,) = random.choices(LANGUAGES, _SHARES)
    known = _language(language)
    parts = [random.choice(_GREETINGS[language])] if letter and random.random() < 0.6 else []
    left = words
    while left > 0:
        sentence = _sentence(random, known, repeats=letter)
        parts.append(sentence)
        left -= len(sentence.split())
    name = " ".join(word.capitalize() for word in random.sample(known.words[-3_000:], 2))
    if letter and random.random() < 0.7:
        parts.append(random.choice(_CLOSINGS[language]).format(name=name))
    product = random.choice(_products()) if random.random() < 0.8 else None
    title = _title(random, known) if letter else " ".join(random.sample(known.words[40:3_000], random.randint(3, 6)))
    return Text(language, title, " ".join(parts), product)


def _title(random: Random, known: _Words) -> str:
    title = random.choice(known.titles)
    if random.random() < 0.3:
        return title
    rare = random.choice(known.words[500:])
    return f"{title} ({_detail(random)} {rare})" if random.random() < 0.4 else f"{title}: {rare}"


def _sentence(random: Random, known: _Words, *, repeats: bool) -> str:
    kind = random.random()
    if repeats and kind < 0.45:
        return random.choices(known.sentences, cum_weights=known.repeated)[0]
    drawn = known.drawn(random, random.randint(4, 16))
    if kind > 0.7:
        drawn.insert(random.randrange(len(drawn)), _detail(random))
    return " ".join(drawn).capitalize() + "."


def _detail(random: Random) -> str:
    number = random.randint(1, 10_000)
    return random.choice(
        (
            f"{number}",
            f"{number % 60} min",
            f"{number % 10}.{number % 13}.{number % 7}",
            f"E{number % 600 + 100}",
            f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}",
            f"{number % 24:02}:{number % 60:02}",
            f"10.0.{number % 9}.{number % 250}",
            f"{number:x}-{random.getrandbits(24):06x}",
            f"INV-{number + 20_000}",
            f"{number} €",
        )
    )


@cache
def _products() -> Sequence[str]:
    return sorted({each["product"] for path in SETS for each in read(path) if each.get("product")})


@cache
def _language(language: str) -> _Words:
    own = [each for path in SETS for each in read(path) if each["language"] == language]
    texts = [f"{each['title']}. {each['description']}" for each in own]
    counted = Counter(word.lower() for text in texts for word in _WORD.findall(text))
    words = [word for word, _ in counted.most_common()]
    words += _made_up(words, _VOCABULARY - len(words), Random(language))
    sentences = [sentence for each in own for sentence in _SENTENCE.split(each["description"]) if len(sentence) > 12]
    Random(3).shuffle(sentences)
    titles = [each["title"] for each in own]
    return _Words(words, _zipf(len(words), 2.7), titles, sentences, _zipf(len(sentences), 20))


def _zipf(many: int, offset: float) -> Sequence[float]:
    """Weights by rank, added up."""
    return [*accumulate(1 / (rank + offset) for rank in range(many))]


def _made_up(words: Sequence[str], many: int, random: Random) -> list[str]:
    """Words whose letters follow each other as in these."""
    following: dict[str, list[str]] = {}
    for word in words:
        ended = f"^^{word}$"
        for place in range(len(ended) - 2):
            following.setdefault(ended[place : place + 2], []).append(ended[place + 2])
    found: dict[str, None] = {}
    known = set(words)
    while len(found) < many:
        word = "^^"
        while not word.endswith("$") and len(word) < 16:
            word += random.choice(following[word[-2:]])
        word = word.strip("^$")
        if len(word) > 3 and word not in known:
            found[word] = None
    return [*found]

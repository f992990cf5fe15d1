"""G11: what a caller may not do, and what does not exist, is said in the reader's language."""

import pytest

from tests.support.stories import TICKET, Begin, path_of

SAID = {"es": "Canales por", "fr": "Canaux par", "pl": "Kanały, którymi", "de": "Kanäle, über"}


@pytest.mark.parametrize("language", SAID)
async def test_g11_problems_are_in_the_readers_language(begin: Begin, language: str) -> None:
    story = await begin("zmanda-standard")
    path = path_of(await story.open(priority="P3"))
    english, translated = [
        [
            await story.customer.send("POST", "/v1/tickets", TICKET | {"channel": "email"}, Accept_Language=each),
            await story.customer.send("POST", f"{path}/review", {}, Accept_Language=each),
            await story.customer.send("GET", "/v1/tickets/tkt_00000000000000000000000000", Accept_Language=each),
        ]
        for each in ("en", language)
    ]
    assert [answer.status_code for answer in translated] == [422, 403, 404]
    for plain, said in zip(english, translated, strict=True):
        assert said.headers["Content-Language"] == language
        assert said.json()["title"] != plain.json()["title"]
    assert translated[0].json()["errors"][0]["detail"].startswith(SAID[language])

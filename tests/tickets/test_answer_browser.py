"""The page that answers an alert, on a phone: real Chromium, through Playwright."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from playwright.async_api import Page

from app.core.state import State
from tests.support.actors import make_key
from tests.support.answering import alert_of, linked
from tests.support.browsing import Browsers, served
from tests.support.experts import Expert, add_expert
from tests.support.stories import Begin, Caller, Story

PHONE = "Pixel 7"


@pytest.fixture
async def story(begin: Begin) -> Story:
    story = await begin("google-premium")
    admin = Caller(story.customer.client, await make_key(story.sessions, "admin"))
    await admin.patch(f"/v1/engineers/{story.engineer_id}", active=False)
    return story


@pytest.fixture
async def ida(story: Story) -> Expert:
    return await add_expert(story, "Ida", languages=["es"])


@pytest.fixture
async def base(app: FastAPI, state: State) -> AsyncIterator[str]:
    """What links begin with on a server of this test's own."""
    async with served(app, state) as url:
        yield f"{url}/a/"


@pytest.fixture
async def phone(browsers: Browsers) -> AsyncIterator[Page]:
    async with browsers.page(PHONE) as page:
        yield page


async def test_one_tap_on_a_phone_accepts(story: Story, ida: Expert, base: str, phone: Page) -> None:
    complaints: list[str] = []
    phone.on("console", lambda message: complaints.append(message.text))
    ticket, link = await linked(story, base, title="El pago no funciona")
    await phone.goto(link)
    await phone.reload()
    assert (await alert_of(story))["state"] == "alerted"
    assert await phone.title() == f"{ticket['number']}: Se le necesita con urgencia"
    assert await phone.get_by_text("El pago no funciona").is_visible()
    width = await phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert width, "the page scrolls sideways"
    for name in ("Aceptar", "Rechazar"):
        box = await phone.get_by_role("button", name=name).bounding_box()
        assert box is not None
        assert box["height"] >= 48
    await phone.get_by_role("button", name="Aceptar").tap()
    await phone.get_by_text("Ha aceptado. El ticket queda a su cargo.").wait_for()
    alert = await alert_of(story)
    assert (alert["state"], alert["engineer_id"]) == ("accepted", ida.id)
    await phone.goto(link)
    assert await phone.get_by_role("button").count() == 0
    assert [text for text in complaints if "favicon" not in text] == []


async def test_one_tap_on_a_phone_declines(story: Story, ida: Expert, base: str, phone: Page) -> None:
    del ida
    _, link = await linked(story, base)
    await add_expert(story, "Ole")
    await phone.goto(link)
    await phone.get_by_role("button", name="Rechazar").tap()
    await phone.get_by_text("Se ha avisado a Ole.").wait_for()
    assert (await alert_of(story))["state"] == "alerted"

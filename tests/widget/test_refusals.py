"""Whom the service refuses, as a visitor's browser finds out: each shows a widget that worked, or would have."""

from typing import Any

from app.core.clock import wall_now
from tests.support.actors import make_person
from tests.support.desk import fetch
from tests.support.identities import claims, token
from tests.widget.conftest import ANA, Host

_REVOKE = "UPDATE api_keys SET revoked_at = clock_timestamp() WHERE kind = 'widget' RETURNING 1"


async def _shows(host: Host, shown: str) -> None:
    """A visitor with this token opens the widget, of which nothing is left in the end."""
    host.complains = True
    await host.visit(f'heliodesk("identify", "{shown}"); heliodesk("open")')
    await host.page.locator("heliodesk-widget[hidden]").wait_for(state="attached")
    assert await host.page.get_by_role("dialog").count() == 0


def _reads(host: Host, said: str) -> None:
    """The console says why."""
    assert any(said in each for each in host.complaints), host.complaints


async def test_the_token_of_another_host_product_is_refused(host: Host) -> None:
    await _shows(host, token(claims(wall_now(), **ANA), key="a secret of quite another host product"))
    _reads(host, "The signature of the identity token is wrong")


async def test_an_expired_token_is_refused(host: Host) -> None:
    await _shows(host, token(claims(wall_now(), **ANA, exp=int(wall_now().timestamp()) - 60)))
    _reads(host, "The identity token has expired")


async def test_a_widget_that_was_put_away_comes_back_for_another_visitor(host: Host) -> None:
    await _shows(host, token(claims(wall_now(), **ANA, aud="billing")))
    await host.page.evaluate("heliodesk('open')")
    assert await host.page.get_by_role("dialog").count() == 0
    good = token(claims(wall_now(), **ANA))
    await host.page.evaluate("shown => heliodesk('identify', shown)", good)
    await host.button("Help").click()
    await host.text("You have no tickets yet.").wait_for()


async def test_a_key_that_was_revoked_a_moment_ago_is_refused(host: Host) -> None:
    host.complains = True
    ticket = await host.story.open()
    await host.visit_as()
    await host.button("Help").click()
    await host.page.get_by_role("button", name=ticket["title"]).wait_for()
    await fetch(host.story.sessions, _REVOKE)
    await host.page.evaluate("heliodesk('open', 'new')")
    await host.page.locator("heliodesk-widget[hidden]").wait_for(state="attached")
    _reads(host, "This API key is not valid")


async def test_a_page_that_the_key_does_not_list_is_refused(host: Host) -> None:
    host.complains = True
    host.url = host.url.replace("127.0.0.1", "localhost")
    await host.visit_as()
    await host.button("Help").click()
    await host.text("Support cannot be reached").wait_for()
    _reads(host, "CORS")


async def test_a_viewer_is_told_that_they_may_not_write(host: Host) -> None:
    host.complains = True
    ticket = await host.story.open()
    await make_person(host.story.sessions, host.story.account.account_id, "vic@solar-roofs.example", "viewer")
    viewer: dict[str, Any] = {"sub": "vic", "email": "vic@solar-roofs.example", "name": "Vic"}
    await host.visit_as(viewer)
    await host.button("Help").click()
    await host.page.get_by_role("button", name=ticket["title"]).click()
    await host.page.get_by_label("Your reply").fill("May I?")
    await host.button("Send reply").click()
    await host.page.get_by_role("alert").filter(has_text="viewer").wait_for()
    assert (await host.story.engineer.get(f"/v1/tickets/{ticket['id']}/messages"))["items"] == []

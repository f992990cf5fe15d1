"""The widget in real Chromium, in a page of another origin under a strict policy."""

from datetime import datetime, timedelta
from typing import Final

import pytest
from playwright.async_api import Route

from app.core.clock import monotonic, wall_now
from app.problems.background.telling import Telling
from tests.support.desk import open_at
from tests.support.identities import claims, token
from tests.support.payloads import PAYLOADS
from tests.support.stories import P1, due, path_of
from tests.widget.conftest import ANA, Host
from tests.widget.states import ARTICLE

_ACTIVE: Final = (
    "script, img, svg, style, iframe, object, embed, base, meta, link, [onload], [onerror], [onclick], [ontoggle]"
)


async def test_w6_a_customer_opens_a_ticket_and_sees_the_answer_as_it_is_written(host: Host) -> None:
    await host.visit_as(locale="es")
    await host.button("Ayuda").click()
    await host.button("Nuevo ticket").click()
    await host.page.get_by_label("¿Cuál es el problema?").fill("El pago no funciona")
    await host.page.get_by_label("¿Qué ocurre y desde cuándo?").fill("Desde las nueve falla cada pago.")
    await host.page.get_by_role("radio").first.check()
    await host.page.get_by_label("¿Cómo afecta a su negocio?").fill("No vendemos nada")
    await host.page.get_by_label("¿Por qué no puede esperar?").fill("Todas las tiendas están paradas")
    await host.page.get_by_label("Enlace a una videollamada propia").fill("https://meet.shop.example/sala")
    await host.button("Enviar").click()
    await host.text("Primera respuesta antes de").wait_for()
    [ticket] = (await host.story.engineer.get("/v1/tickets"))["items"]
    assert (ticket["priority"], ticket["requester"]["name"]) == ("P1", "ana")
    await host.page.context.route("https://meet.shop.example/**", lambda route: route.fulfill(body="a room"))
    async with host.page.expect_popup() as popup:
        await host.page.get_by_role("link", name="Unirse a la llamada").click()
    room = await popup.value
    assert room.url == "https://meet.shop.example/sala"
    await room.close()  # behind it, the page would hardly be drawn
    await host.text("Se ha unido a la videollamada.").wait_for()
    assert (await host.story.engineer.get(f"{path_of(ticket)}/call"))["call"]["state"] == "joined"
    await host.story.engineer.post(f"{path_of(ticket)}/messages", 201, body="Lo estamos mirando.")
    await host.text("Lo estamos mirando.").wait_for(timeout=1000)


async def open_form(host: Host) -> None:
    """The form for a new ticket, filled in but for its severity."""
    await host.button("Help").click()
    await host.button("New ticket").or_(host.page.get_by_label("Your name")).wait_for()
    if await host.button("New ticket").count():
        await host.button("New ticket").click()
    await host.page.get_by_label("What is the problem?").fill("Backups fail")
    await host.page.get_by_label("What happens, and since when?").fill("No backup since Thursday.")


async def titles(host: Host) -> list[str]:
    """Those of all tickets, as support sees them."""
    return [each["title"] for each in (await host.story.engineer.get("/v1/tickets"))["items"]]


async def test_a_guest_follows_a_ticket_in_the_same_browser(host: Host) -> None:
    await host.visit()
    await open_form(host)
    await host.page.get_by_label("Your name").fill("Gil Guest")
    await host.button("Send").click()
    await host.text("Please fill this in.").wait_for()
    assert await host.page.evaluate(_FOCUSED) == "email"
    await host.page.get_by_label("Your e-mail address").fill("gil@guest.example")
    await host.button("Send").click()
    await host.text("First answer by").wait_for()
    await host.page.reload()
    await host.button("Help").click()
    await host.page.get_by_role("button", name="Backups fail").click()
    await host.page.get_by_label("Your reply").fill("It happened again.")
    await host.button("Send reply").click()
    await host.page.get_by_role("log").get_by_text("It happened again.").wait_for()
    [ticket] = (await host.story.engineer.get("/v1/tickets"))["items"]
    assert ticket["unconfirmed"]
    await host.story.engineer.post(f"{path_of(ticket)}/messages", 201, body="We look into it.")
    await host.text("We look into it.").wait_for()


_FOCUSED = "document.querySelector('heliodesk-widget').shadowRoot.activeElement?.name"


@pytest.mark.parametrize("plan", ["zmanda-standard"])
async def test_impact_and_urgency_decide_where_the_plan_has_a_matrix(host: Host) -> None:
    await host.visit_as()
    await open_form(host)
    await host.page.get_by_label("How much is affected?").select_option("All of it, or everybody")
    await host.page.get_by_label("How soon do you need a solution?").select_option("Work has stopped")
    await host.text("P1").first.wait_for()
    await host.button("Send").click()
    await host.text("First answer by").wait_for()
    [ticket] = (await host.story.engineer.get("/v1/tickets"))["items"]
    assert (ticket["priority"], ticket["priority_source"]) == ("P1", "matrix")


async def test_a_ticket_is_sent_once_although_the_network_was_cut_and_the_page_loaded_anew(host: Host) -> None:
    host.complains = True
    await host.visit_as()
    await open_form(host)
    cut = True

    async def deliver(route: Route) -> None:
        if cut and route.request.method == "POST":
            await route.fetch()  # the service gets it; what it answers is lost
            await route.abort()
        else:
            await route.continue_()

    await host.page.route("**/v1/tickets", deliver)
    await host.button("Send").click()
    await host.text("There is no connection.").wait_for()
    cut = False
    await host.visit_as()
    await host.button("Help").click()
    await host.page.get_by_role("button", name="Backups fail").wait_for()
    assert await titles(host) == ["Backups fail"]


async def test_nothing_that_support_writes_runs_in_the_widget(host: Host) -> None:
    engineer = host.story.engineer
    texts = "\n\n".join(PAYLOADS)
    article = await engineer.post("/v1/articles", 201, **(ARTICLE | {"body": texts, "audience": "public"}))
    problem = await engineer.post("/v1/problems", 201, title="Report export: <img src=x onerror=pwned()>")
    known = {"state": "known_error", "owner_id": host.story.engineer_id, "workaround": texts}
    await engineer.post(f"/v1/problems/{problem['id']}/state", **known)
    await host.page.add_init_script("window.pwned = () => console.error('it ran')")
    await host.visit_as()
    await host.button("Help").click()
    await host.button("New ticket").click()
    await host.page.get_by_label("What is the problem?").fill("Cannot export my report as PDF")
    await host.page.get_by_text("Known problem: Report export: <img src=x onerror=pwned()>").click()
    await host.page.get_by_text("Exporting a report to PDF fails").click()
    link = host.page.get_by_role("link", name="Read or print it on a page of its own")
    assert await link.get_attribute("href") == f"{host.desk}/help/articles/{article['id']}"
    shown = host.page.locator("details .article")
    assert await shown.locator(f"{_ACTIVE}, form").count() == 0
    addresses = [await each.get_attribute("href") or "" for each in await shown.locator("a").all()]
    assert {address.partition(":")[0] for address in addresses if address} <= {"http", "https"}
    async with host.page.expect_popup() as opening:
        await link.click()
    popup = await opening.value
    await popup.get_by_role("heading", name="Exporting a report to PDF fails").wait_for()
    await popup.close()


async def test_no_workaround_or_resolution_runs_in_the_ticket_that_shows_it(host: Host) -> None:
    story, texts = host.story, "\n\n".join(PAYLOADS)
    title = "<svg onload=pwned()>"
    ticket = await story.open(title=title, description=texts, requester=ANA)
    owned = {"owner_id": story.engineer_id}
    problem = await story.engineer.post("/v1/problems", 201, title=title, tickets=[ticket["id"]])
    path = f"/v1/problems/{problem['id']}/state"
    await story.engineer.post(path, state="known_error", workaround=texts, **owned)
    await Telling(story.sessions).run_pass()
    await story.engineer.post(path, state="resolved", resolution=texts)
    await Telling(story.sessions).run_pass()
    await host.page.add_init_script("window.pwned = () => console.error('it ran')")
    await host.visit_as()
    await host.button("Help").click()
    await host.page.get_by_role("button", name=title).click()
    told = host.page.get_by_text(PAYLOADS[0])
    await told.nth(2).wait_for()  # the description, the workaround and the resolution
    assert await host.page.locator("heliodesk-widget").locator(_ACTIVE).count() == 0


async def test_a_known_solution_is_shown_while_the_visitor_writes(host: Host) -> None:
    article = await host.story.engineer.post("/v1/articles", 201, **ARTICLE)
    await host.visit_as()
    await host.button("Help").click()
    await host.button("New ticket").click()
    await host.page.get_by_label("What is the problem?").fill("Cannot export my report as PDF")
    await host.page.get_by_text("Exporting a report to PDF fails").click()
    link = host.page.get_by_role("link", name="the report")
    assert await link.get_attribute("href") == "https://docs.example/report"
    assert await link.get_attribute("rel") == "noopener noreferrer"
    assert await host.page.locator("details li").all_text_contents() == ["Open the report.", "Say a year <script>"]
    await host.button("This has solved it").click()
    await host.text("Nothing has been sent.").wait_for()
    assert (await host.story.engineer.get(f"/v1/articles/{article['id']}"))["solved"] == 1
    assert await titles(host) == []
    await host.button("New ticket").click()
    assert await host.page.get_by_label("What is the problem?").input_value() == ""


async def test_older_tickets_can_be_reached(host: Host) -> None:
    now = await host.story.now()
    account_id = host.story.account.account_id
    await open_at(host.story.sessions, account_id, *(now - timedelta(minutes=each) for each in range(51)))
    await host.visit_as()
    await host.button("Help").click()
    await host.button("Show all").click()
    await host.page.locator("li .ticket").nth(50).wait_for()
    assert await host.button("Show all").count() == 0


async def test_what_is_typed_survives_a_reload(host: Host) -> None:
    await host.visit_as()
    await open_form(host)
    await host.visit_as()
    await host.button("Help").click()
    await host.button("New ticket").click()
    assert await host.page.get_by_label("What happens, and since when?").input_value() == "No backup since Thursday."
    await host.page.get_by_label("What is the problem?").fill("")
    prefilled = "heliodesk('prefill', {title: 'From the shop', description: '-'})"
    await host.visit_as(commands=f"{prefilled}; heliodesk('open', 'new')")
    assert await host.page.get_by_label("What is the problem?").input_value() == "From the shop"
    assert await host.page.get_by_label("What happens, and since when?").input_value() == "No backup since Thursday."


async def test_what_is_overdue_turns_red_at_its_instant_whatever_the_visitors_clock_says(host: Host) -> None:
    first = await host.story.open(**P1)
    allowed = datetime.fromisoformat(due(first, "first_response")) - datetime.fromisoformat(first["opened_at"])
    await host.page.clock.install(time=wall_now() + timedelta(days=1))
    began = monotonic()
    await host.visit_as()
    await host.button("Help").click()
    await host.page.get_by_role("button", name="Backups fail").wait_for()
    left = timedelta(seconds=2 + 3 * (monotonic() - began))  # it has to be looked at before that
    await host.story.open_at(await host.story.now() - allowed + left, **P1, title="Slow")
    await host.page.get_by_role("button", name="Slow").click()
    promise = host.page.locator(".promise").first
    await promise.wait_for()
    assert "by" in str(await promise.text_content())
    assert await host.page.locator(".promise.late").count() == 0
    await host.page.locator(".promise.late").wait_for()
    assert "We are late" in str(await promise.text_content())
    assert "We are late" in str(await host.page.get_by_role("status").text_content())


async def test_a_click_counts_during_which_something_new_comes(host: Host) -> None:
    ticket = await host.story.open(**P1, call_link="https://meet.shop.example/room")
    await host.visit_as()
    await host.button("Help").click()
    await host.page.get_by_role("button", name="Backups fail").click()
    await host.page.context.route("https://meet.shop.example/**", lambda route: route.fulfill(body="a room"))
    await host.page.get_by_role("link", name="Join the call").hover()
    async with host.page.expect_popup() as popup:
        await host.page.mouse.down()
        await host.story.engineer.post(f"{path_of(ticket)}/messages", 201, body="We are looking.")
        await host.text("We are looking.").wait_for()
        await host.page.mouse.up()
    await (await popup.value).close()
    await host.text("You have joined the video call.").wait_for()


async def test_a_customer_joins_or_declines_the_call_escalates_closes_and_reopens(host: Host) -> None:
    ticket = await host.story.open(**P1, call_link="https://meet.shop.example/room")
    path = path_of(ticket)
    await host.visit_as()
    await host.button("Help").click()
    await host.page.get_by_role("button", name="Backups fail").click()
    await host.button("I can't join").click()
    await host.page.get_by_label("Reason").fill("Our network is down")
    await host.page.locator("form").filter(has_text="Reason").get_by_role("button", name="I can't join").click()
    await host.text("You can still change your mind.").wait_for()
    assert await host.page.evaluate("document.activeElement.localName") == "heliodesk-widget"
    await host.page.context.route("https://meet.shop.example/**", lambda route: route.fulfill(body="a room"))
    async with host.page.expect_popup() as popup:
        await host.page.get_by_role("link", name="Join the call").click()
    await (await popup.value).close()  # behind it, the page would hardly be drawn
    await host.text("You have joined the video call.").wait_for()
    assert (await host.story.engineer.get(f"{path}/call"))["call"]["state"] == "joined"
    await host.button("Escalate").click()
    await host.page.get_by_label("Reason").select_option("It takes too long to solve")
    await host.page.get_by_label("What has changed, or gone wrong?").fill("Half a day is gone")
    await host.page.locator("form").filter(has_text="Reason").get_by_role("button", name="Escalate").click()
    await host.text("Escalated").wait_for()
    await host.button("It is solved").click()
    await host.page.locator("form").filter(has_text="Mark").get_by_role("button", name="It is solved").click()
    await host.text("This ticket is solved.").wait_for()
    assert await host.page.get_by_label("Your reply").count() == 0
    await host.button("Reopen").click()
    await host.page.get_by_label("Your message").fill("It fails again.")
    await host.page.locator("form").filter(has_text="Your message").get_by_role("button", name="Reopen").click()
    await host.page.get_by_role("log").get_by_text("It fails again.").wait_for()
    await host.page.get_by_label("Your reply").wait_for()


async def test_the_focus_stays_in_the_dialog_and_returns(host: Host) -> None:
    await host.visit_as()
    await host.page.keyboard.press("Tab")
    await host.page.keyboard.press("Enter")
    await host.button("New ticket").wait_for()
    for _ in range(8):
        await host.page.keyboard.press("Tab")
        assert await host.page.evaluate("document.activeElement.localName") in {"heliodesk-widget", "body"}
    await host.page.keyboard.press("Escape")
    await host.page.get_by_role("dialog").wait_for(state="hidden")
    assert await host.page.evaluate(_LABEL) == "Help"
    height = await host.page.evaluate(_HEIGHT)
    await host.page.evaluate("document.querySelector('heliodesk-widget').remove()")
    assert await host.page.evaluate(_HEIGHT) == height


_HEIGHT = "document.documentElement.getBoundingClientRect().height"

_LABEL = "document.querySelector('heliodesk-widget').shadowRoot.activeElement?.textContent"


async def test_commands_before_and_after_the_script_work(host: Host) -> None:
    await host.visit_as(
        commands="window.heard = [];"
        "for (const name of ['open', 'close', 'ready']) heliodesk('on', name, () => heard.push(name));"
        "heliodesk('prefill', {title: 'From the shop'}); heliodesk('open', 'new')"
    )
    assert await host.page.get_by_label("What is the problem?").input_value() == "From the shop"
    await host.page.evaluate("heliodesk('locale', 'pl')")
    await host.page.get_by_label("Na czym polega problem?").wait_for()
    await host.page.evaluate("heliodesk('close')")
    await host.page.get_by_role("dialog").wait_for(state="hidden")
    assert await host.page.evaluate("heard") == ["open", "ready", "close"]


async def test_a_language_that_is_asked_for_early_is_the_only_one_that_is_shown(host: Host) -> None:
    read: list[str] = []
    host.page.on("request", lambda request: read.append(request.url))
    await host.visit("heliodesk('locale', 'pl')")
    await host.button("Pomoc").wait_for()
    assert {url.partition("?")[0].rpartition("/")[2] for url in read if "/texts/" in url} == {"pl"}


async def test_an_expired_token_is_fetched_anew(host: Host) -> None:
    host.complains = True
    await host.visit()
    await host.page.evaluate(
        "(tokens) => heliodesk('identify', async () => tokens.shift())",
        [token(claims(wall_now(), **ANA, **more)) for more in ({"exp": int(wall_now().timestamp()) - 60}, {})],
    )
    await host.button("Help").click()
    await host.text("You have no tickets yet.").wait_for()


async def test_the_link_to_a_ticket_shows_it_as_a_page(host: Host) -> None:
    ticket = await host.story.open()
    link = await host.story.customer.post(f"{path_of(ticket)}/links", 201)
    await host.page.goto(f"{host.desk}/help#{ticket['id']}/{link['token']}")
    await host.text(ticket["description"]).wait_for()
    await host.page.get_by_label("Your reply").fill("Seen on the page.")
    await host.button("Send reply").click()
    await host.page.get_by_role("log").get_by_text("Seen on the page.").wait_for()
    host.complains = True
    await host.page.goto("about:blank")
    await host.page.goto(f"{host.desk}/help#{ticket['id']}/hd_ticket_of_nobody")
    await host.text("This link is not valid, or has expired.").wait_for()


async def test_what_happens_is_seen_where_streams_are_cut_off(host: Host) -> None:
    ticket = await host.story.open()
    open_to_all = {"Access-Control-Allow-Origin": "*", "Content-Type": "text/event-stream"}
    await host.page.route("**/v1/events/stream?**", lambda route: route.fulfill(body="", headers=open_to_all))
    await host.visit_as()
    await host.button("Help").click()
    await host.page.get_by_role("button", name=ticket["title"]).click()
    async with host.page.expect_request("**/v1/events?wait=25*"):
        await host.text(ticket["description"]).wait_for()
    await host.story.engineer.post(f"{path_of(ticket)}/messages", 201, body="By another way.")
    await host.text("By another way.").wait_for()


async def test_what_stands_on_the_accent_can_be_read(host: Host) -> None:
    style = "document.querySelector('heliodesk-widget').style.getPropertyValue('--on')"
    known = {"#ffcc00": "#000", "navy": "#fff", "oklch(0.9 0.1 100)": "#000", "url(x)": ""}
    for accent, on in known.items():
        await host.visit(accent=accent)
        await host.button("Help").wait_for()
        assert await host.page.evaluate(style) == on

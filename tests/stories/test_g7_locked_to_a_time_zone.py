"""G7: on the customer's request a P1 stays in one region or in one time zone; an account can have a standing wish."""

from typing import Any, Final

import pytest

from tests.support.actors import make_key
from tests.support.experts import add_expert, add_regions
from tests.support.stories import P1, TICKET, Begin, Caller, Story, path_of, pointers

SUNDAY: Final = {"sandbox": {"starts_at": "2026-11-22T20:00:00Z"}, "call_link": "https://meet.example/p1"}


@pytest.fixture
async def story(begin: Begin) -> Story:
    story = await begin("google-premium", **SUNDAY)
    await add_regions(story)
    return story


async def owner(story: Story) -> Caller:
    """An owner of the story's account."""
    key = await make_key(story.sessions, account_id=story.account.account_id, role="owner")
    return Caller(story.customer.client, key)


def lock_of(ticket: Any) -> tuple[str | None, str | None]:
    return ticket["region_lock"], ticket["region_lock_time_zone"]


async def test_g7_a_customer_sees_what_there_is_to_choose_from(story: Story) -> None:
    regions = (await story.customer.get("/v1/regions"))["items"]
    assert [(region["key"], set(region)) for region in regions] == [
        (key, {"key", "name"}) for key in ("apac", "emea", "americas")
    ]
    await story.customer.get("/v1/regions", 404, account_id="acc_00000000000000000000000000")


@pytest.mark.parametrize(
    ("zone", "region"),
    [("Europe/Madrid", "emea"), ("Asia/Tokyo", "apac"), ("America/Denver", "americas"), ("Africa/Lagos", "emea")],
)
@pytest.mark.parametrize("member", ["region", "time_zone"])
async def test_g7_locked_to_a_time_zone(story: Story, zone: str, region: str, member: str) -> None:
    path = path_of(await story.open(**P1))
    locked = await story.customer.post(f"{path}/region-lock", **{member: zone})
    assert lock_of(locked) == (region, zone)
    [updated] = await story.events(path, "ticket.updated", who=story.product)
    assert updated["data"]["fields"] == {"region_lock": region, "region_lock_time_zone": zone}
    unlocked = await story.customer.post(f"{path}/region-lock", **{member: None})
    assert lock_of(unlocked) == (None, None)


async def test_g7_only_experts_of_that_region_work_on_it(story: Story) -> None:
    noor = await add_expert(story, "Noor", region="emea")
    await add_expert(story, "Mei", region="apac")
    path = path_of(await story.open(**P1, region_lock="Europe/Madrid"))
    assert lock_of(await story.customer.get(path)) == ("emea", "Europe/Madrid")
    alerted = [event["data"]["engineer_id"] for event in await story.pass_time("PT20H") if _alerts(event)]
    assert alerted
    assert set(alerted) == {noor.id}


def _alerts(event: Any) -> bool:
    return bool(event["type"] == "expert.alerted")


async def test_g7_what_is_neither_a_region_nor_a_zone_is_refused(story: Story) -> None:
    path = path_of(await story.open(**P1))
    for body, place in (
        ({"region": "moon"}, "/region"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"region": "emea", "time_zone": "Europe/Madrid"}, ""),
    ):
        assert pointers(await story.customer.post(f"{path}/region-lock", 422, **body)) == [place]
    refused = await story.customer.post("/v1/tickets", 422, **TICKET | P1, region_lock="moon")
    assert pointers(refused) == ["/region_lock"]


async def test_g7_without_regions_no_zone_can_be_chosen(begin: Begin) -> None:
    story = await begin("google-premium", **SUNDAY)
    path = path_of(await story.open(**P1))
    refused = await story.customer.post(f"{path}/region-lock", 422, time_zone="Europe/Madrid")
    assert pointers(refused) == ["/time_zone"]


async def test_g7_owners_set_their_accounts_standing_wishes(story: Story) -> None:
    path, who = f"/v1/accounts/{story.account.account_id}", await owner(story)
    wishes = {"region_lock": "Europe/Madrid", "call_link": "https://solar-roofs.zoom.us/j/1842", "locale": "es"}
    account = await who.patch(path, **wishes)
    assert {name: account[name] for name in wishes} == wishes
    ticket = await story.open(**P1)
    assert lock_of(ticket) == ("emea", "Europe/Madrid")
    assert ticket["call"]["join_url"] == wishes["call_link"]
    assert lock_of(await story.open(**P1, region_lock="apac")) == ("apac", None)
    await who.patch(path, region_lock=None)
    assert lock_of(await story.open(**P1)) == (None, None)


async def test_g7_the_rest_of_an_account_is_for_admins(story: Story) -> None:
    path = f"/v1/accounts/{story.account.account_id}"
    who = await owner(story)
    refused = await who.patch(path, 403, locale="es", plan="zmanda-premium", trial_ends_at="2030-01-01T00:00:00Z")
    assert "plan" in refused["detail"]
    assert "trial_ends_at" in refused["detail"]
    await story.customer.patch(path, 403, locale="es")
    await story.product.patch(path, 403, locale="es")
    assert (await who.get(path))["locale"] == "en"
    assert pointers(await who.patch(path, 422, region_lock="moon")) == ["/region_lock"]


async def test_g7_locked_to_a_region_that_is_off_shift_it_waits_for_that_reason(story: Story) -> None:
    mei, noor = await add_expert(story, "Mei", region="americas"), await add_expert(story, "Noor", region="emea")
    path = path_of(await story.open(**P1))
    assert (await story.product.get(path))["assignee"] == mei.id
    [alert] = (await story.product.get("/v1/alerts", ticket_id=path.rpartition("/")[2]))["items"]
    await mei.caller.post(f"/v1/alerts/{alert['id']}/accept")
    ticket = await story.customer.post(f"{path}/region-lock", region="emea")
    assert ticket["assignee"] is None
    [_, taken] = await story.events(path, "ticket.assigned", who=story.product)
    assert (taken["data"]["to"], taken["data"]["reason"]) == (None, "region_lock")
    await story.pass_time("PT12H")
    [over] = await story.events(path, "ticket.handed_over", who=story.product)
    assert (over["data"]["to"]["engineer_id"], over["data"]["reason"]) == (noor.id, "region_lock")


async def test_g7_an_account_cannot_wish_for_a_zone_in_whose_daytime_nobody_works(story: Story, begin: Begin) -> None:
    who, path = await owner(story), f"/v1/accounts/{story.account.account_id}"
    assert (await who.patch(path, region_lock="Asia/Tokyo"))["region_lock"] == "Asia/Tokyo"
    bare = await begin("google-premium", **SUNDAY)
    who, path = await owner(bare), f"/v1/accounts/{bare.account.account_id}"
    refused = await who.patch(path, 422, region_lock="Asia/Tokyo")
    assert pointers(refused) == ["/region_lock"]
    assert refused["errors"][0]["detail"] == "No region works in the daytime of Asia/Tokyo"

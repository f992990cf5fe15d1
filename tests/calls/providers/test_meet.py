"""Google Meet against a stand-in that checks assertion, scope and body, and answers with faults."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from app.calls.providers.hosts import Hosts
from app.calls.providers.meet import Meet, make_meet
from app.calls.providers.provider import CallFailed, CallRequest, Participant, Room
from app.core.clock import monotonic
from app.core.settings import Settings, Unconfigurable
from tests.calls.meet_standin import (
    ACCOUNT,
    HANGS,
    SCOPE,
    Fault,
    Google,
    answers,
    hangs,
    loses_the_answer,
    mumbles,
    person,
)
from tests.support.ports import free_port

REQUEST = CallRequest("cal_1", "acc_1", "tkt_1")
NOWHERE = Room("spaces/nowhere", "host-1@desk.example")


async def failure(meet: Meet) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        await meet.create(REQUEST)
    return caught.value


async def test_g3_a_space_is_made_in_the_name_of_a_host_user(meet: Meet, google: Google) -> None:
    link = await meet.create(REQUEST)
    assert link.provider == "meet"
    assert link.join_url == "https://meet.google.com/abc-mnop-001"
    assert link.room == Room("spaces/jQCFfuBOdN5z-0", "host-1@desk.example")
    assert google.creations == [{"user": "host-1@desk.example", "body": {"config": {"accessType": "OPEN"}}}]
    [claims] = google.assertions  # its signature, and that nothing else is in it, the stand-in has checked
    assert (claims["iss"], claims["sub"], claims["scope"]) == (ACCOUNT, "host-1@desk.example", SCOPE)
    assert (claims["aud"], claims["exp"] - claims["iat"]) == (f"{google.url}/token", 3600)


async def test_who_may_join_is_a_setting(meet_settings: Settings, outgoing: httpx.AsyncClient, google: Google) -> None:
    meet = make_meet(meet_settings.model_copy(update={"meet_access_type": "TRUSTED"}), outgoing)
    assert meet
    await meet.create(REQUEST)
    assert google.creations[0]["body"] == {"config": {"accessType": "TRUSTED"}}


async def test_a_token_serves_until_shortly_before_its_end(meet: Meet, google: Google) -> None:
    for _ in range(6):
        await meet.create(REQUEST)
    assert [claims["sub"] for claims in google.assertions] == ["host-1@desk.example", "host-2@desk.example"]
    assert meet.tokens.kept("host-1@desk.example", monotonic() + 3599 - 61)
    assert meet.tokens.kept("host-1@desk.example", monotonic() + 3599 - 59) is None


async def test_a_token_that_is_no_longer_taken_is_replaced_at_the_next_try(meet: Meet, google: Google) -> None:
    await meet.create(REQUEST)
    await meet.create(REQUEST)
    google.forget_tokens()
    refused = await failure(meet)
    assert (str(refused), refused.lost, refused.retry_after) == ("it answered 401", False, None)
    assert (await failure(meet)).lost is False  # the other host's
    assert (await meet.create(REQUEST)).join_url


async def test_hosts_take_turns_and_none_makes_more_than_ten_a_minute(meet: Meet, google: Google) -> None:
    links = await asyncio.gather(*(meet.create(REQUEST) for _ in range(20)))
    assert len({link.join_url for link in links}) == 20
    assert sorted(google.spaces.values()) == ["host-1@desk.example"] * 10 + ["host-2@desk.example"] * 10
    used_up = await failure(meet)
    assert len(google.creations) == 20
    assert not used_up.lost
    assert used_up.retry_after == pytest.approx(60, abs=30)


async def test_a_host_that_is_refused_is_passed_over_until_its_minute_is_over(meet: Meet, google: Google) -> None:
    google.faults.append(answers(429, "RESOURCE_EXHAUSTED"))
    assert (await meet.create(REQUEST)).room == Room("spaces/jQCFfuBOdN5z-0", "host-2@desk.example")
    await meet.create(REQUEST)
    assert [made["user"][:6] for made in google.creations] == ["host-1", "host-2", "host-2"]
    assert meet.hosts.take(monotonic() + 61) == "host-1@desk.example"


async def test_when_every_host_is_refused_it_says_when_to_come_back(meet: Meet, google: Google) -> None:
    google.always = answers(429, "RESOURCE_EXHAUSTED", Retry_After="7")
    refused = await failure(meet)
    assert (str(refused), refused.lost, len(google.creations)) == ("it answered 429", False, 2)
    assert refused.retry_after == pytest.approx(7, abs=5)
    refused = await failure(meet)
    assert len(google.creations) == 2  # nobody is asked meanwhile


@pytest.mark.parametrize(
    ("fault", "reason", "made"),
    [
        (answers(500, "INTERNAL"), "it answered 500", 0),
        (answers(503, "UNAVAILABLE"), "it answered 503", 0),
        (loses_the_answer, "its answer was lost", 1),
        (mumbles, "its answer cannot be read", 1),
        (hangs, "it did not answer in time", 0),
    ],
    ids=["500", "503", "reset", "half a document", "hang"],
)
async def test_where_the_answer_is_lost_a_space_may_have_been_made(
    meet: Meet, google: Google, fault: Fault, reason: str, made: int
) -> None:
    google.faults.append(fault)
    lost = await failure(replace(meet, timeout=HANGS) if fault is hangs else meet)
    assert (str(lost), lost.lost, lost.host) == (reason, True, "host-1@desk.example")
    assert (len(google.creations), len(google.spaces)) == (1, made)  # never asked a second time by itself


async def test_what_was_never_sent_leaves_nothing_behind(meet: Meet) -> None:
    unreachable = await failure(replace(meet, api_url=f"http://127.0.0.1:{free_port()}"))
    assert (str(unreachable), unreachable.lost) == ("it cannot be reached", False)


async def test_a_target_that_may_not_be_reached_leaves_nothing_behind(meet: Meet) -> None:
    refused = await failure(replace(meet, api_url="http://10.0.0.1"))
    assert (str(refused), refused.lost) == ("it cannot be reached", False)


async def test_the_api_s_words_do_not_reach_the_customer(meet: Meet, google: Google) -> None:
    """They may name our hosts."""
    google.always = answers(403, "PERMISSION_DENIED")
    assert "@" not in str(await failure(meet))


async def test_users_without_delegation_are_passed_over(
    meet_settings: Settings, outgoing: httpx.AsyncClient, google: Google
) -> None:
    meet = make_meet(meet_settings.model_copy(update={"meet_hosts": ["gone@desk.example", *google.users]}), outgoing)
    assert meet
    link = await meet.create(REQUEST)
    assert link.room
    assert link.room.host in google.users
    assert len(google.creations) == 1


@pytest.mark.parametrize("answer", [b"{}", b"[]", b'{"access_token": "", "expires_in": 9}', b"\xff"])
async def test_a_token_that_cannot_be_read_is_a_failure(meet: Meet, answer: bytes) -> None:
    with pytest.raises(CallFailed, match="cannot be read"):
        meet.tokens.keep("host-1@desk.example", httpx.Response(200, content=answer), 0)


# --- who is there, and the end -----------------------------------------------------------------------------------


async def test_g6_it_tells_who_has_come(meet: Meet, google: Google) -> None:
    room = (await meet.create(REQUEST)).room
    assert room
    assert await meet.participants(room) == []
    google.people[room.name] = [person("Eva Kowalska"), person("Ana", "anonymousUser"), person("+48 22…", "phoneUser")]
    assert await meet.participants(room) == [
        Participant("Eva Kowalska", signed_in=True),
        Participant("Ana", signed_in=False),
        Participant("+48 22…", signed_in=False),
    ]


async def test_a_room_is_ended_and_an_empty_one_too(meet: Meet, google: Google) -> None:
    room = (await meet.create(REQUEST)).room
    assert room
    await meet.end(room)
    google.people[room.name] = [person("Ana")]
    await meet.end(room)
    assert google.ended == [room.name, room.name]
    with pytest.raises(CallFailed, match="403"):
        await meet.end(NOWHERE)


async def test_an_end_that_fails_leaves_nothing_behind(meet: Meet, google: Google) -> None:
    room = (await meet.create(REQUEST)).room
    assert room
    google.always = answers(500)
    with pytest.raises(CallFailed, match="500") as caught:
        await meet.end(room)
    assert not caught.value.lost


# --- setting it up -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", ["", "{}", '{"client_email": "a", "private_key_id": "b", "private_key": "s3cret"}'])
def test_credentials_that_are_no_use_are_told_at_the_start_without_the_key(
    meet_settings: Settings, http: httpx.AsyncClient, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "broken.json"
    path.write_text(content)
    with pytest.raises(Unconfigurable, match="no usable key") as caught:
        make_meet(meet_settings.model_copy(update={"meet_credentials_file": path}), http)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "half",
    [
        {"meet_credentials_file": "/key.json"},
        {"meet_hosts": "host-1@desk.example"},
        {"jitsi_app_id": "heliodesk"},
        {"jitsi_app_secret": "s3cret"},
        {"meet_access_type": "EVERYBODY"},
    ],
)
def test_settings_that_need_each_other(half: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**half)


def test_hosts_are_a_list_of_users() -> None:
    settings = Settings(meet_credentials_file="/key.json", meet_hosts="host-1@desk.example, host-2@desk.example")
    assert settings.meet_hosts == ["host-1@desk.example", "host-2@desk.example"]
    assert Hosts(settings.meet_hosts).take(0) == "host-1@desk.example"

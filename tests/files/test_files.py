"""Files of tickets and messages, from the one who sends them to the one who gets them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import AnyHttpUrl, SecretStr

from app.core.db.session import driver, run, transaction
from app.core.files import StoredFile, StoreFailed
from app.core.pieces import Pieces
from app.core.settings import Settings
from app.files.background import drop_nobodys, trouble
from app.files.checking import missing_files
from app.files.stores.folder import Folder
from app.files.stores.s3 import Bucket
from app.files.usecases import keep, sent, stored, taken
from app.notices.outbox.mailings import mail_secret
from tests.files.conftest import Desk
from tests.support.actors import make_account, make_key
from tests.support.refusals import use_up_requests
from tests.support.stories import Caller, path_of, pointers
from tests.support.virus_scanner import EICAR, Daemon

BOTH = pytest.mark.parametrize("kept_in", ["folder", "s3"])
LARGE = bytes(range(256)) * 8_500
"""2.1 MB: three parts of a folder's."""


async def _passes(desk: Desk, days: int) -> None:
    async with transaction(desk.state.sessions) as session:
        shift = "UPDATE files SET created_at = created_at - make_interval(days => $1)"
        await (await driver(session)).execute(shift, days)


@BOTH
async def test_what_a_customer_attaches_is_what_support_gets(desk: Desk) -> None:
    story = desk.story
    log = await desk.send(LARGE, name="../Año.log")
    assert (log["name"], log["state"], log["upload"]) == ("Año.log", "ready", None)
    ticket = await story.open(attachments=[log["id"]])
    [shown] = ticket["attachments"]
    assert (shown["name"], shown["size"], shown["state"]) == ("Año.log", len(LARGE), "kept")
    assert (await story.engineer.get(path_of(ticket)))["attachments"] == [shown]
    got = await desk.get(shown["link"], story.engineer)
    assert got.content == LARGE
    assert got.headers["content-disposition"].startswith("attachment;")
    reply = await desk.send(b"the fix", story.engineer, account_id=ticket["account_id"])
    posted = await story.engineer.post(f"{path_of(ticket)}/messages", 201, body="Try it", attachments=[reply["id"]])
    assert (await story.customer.get(f"{path_of(ticket)}/messages"))["items"] == [posted]
    assert (await desk.get(posted["attachments"][0]["link"])).content == b"the fix"
    told = await story.events(path_of(ticket), "ticket.opened", "message.posted", who=story.customer)
    assert [each["data"]["attachments"][0]["name"] for each in told] == ["Año.log", "a.log"]
    assert "link" not in told[0]["data"]["attachments"][0]


async def test_who_may_not_see_a_message_gets_no_file_of_it(desk: Desk) -> None:
    story = desk.story
    ticket, other = await story.open(), await story.open()
    secret = await desk.send(b"internal", story.engineer, account_id=ticket["account_id"])
    note = {"body": "See this", "visibility": "internal", "attachments": [secret["id"]]}
    [shown] = (await story.engineer.post(f"{path_of(ticket)}/messages", 201, **note))["attachments"]
    assert (await desk.get(shown["link"], story.engineer)).content == b"internal"
    await story.customer.get(shown["link"], 404)
    await story.engineer.get(f"{path_of(other)}/files/{secret['id']}", 404)
    theirs = (await make_account(story.sessions, "wati-business-plus", name="Another")).account_id
    stranger = Caller(story.customer.client, await make_key(story.sessions, account_id=theirs, role="owner"))
    for link in (shown["link"], f"/v1/files/{secret['id']}/complete"):
        assert (await stranger.send("POST" if "complete" in link else "GET", link)).status_code == 404
    own = await desk.send(b"mine")
    for who, ids in ((stranger, [own["id"]]), (story.customer, [secret["id"]]), (story.customer, [own["id"]] * 2)):
        answer = await who.send("POST", "/v1/tickets", _ticket() | {"attachments": ids})
        assert (answer.status_code, pointers(answer.json())[0][:13]) == (422, "/attachments/")


def _ticket() -> dict[str, Any]:
    return {"title": "T", "description": "D", "requester": {"name": "A", "email": "a@example.com"}}


async def test_links_are_for_what_they_were_made_for_and_end(desk: Desk) -> None:
    sent = await desk.send(b"<script>alert(1)</script>", name='a"b.html', type="text/html")
    ticket = await desk.story.open(attachments=[sent["id"]])
    got = await desk.get(ticket["attachments"][0]["link"])
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"].startswith("sandbox")
    assert got.headers["content-disposition"] == "attachment; filename=\"a_b.html\"; filename*=UTF-8''a_b.html"
    url = (await desk.story.customer.get(ticket["attachments"][0]["link"]))["download"]["url"]
    stem, until, seal = url.rpartition("/")[2].split("-")
    forged = [f"{stem}-{until}-{seal[::-1]}", f"{stem}-{int(until) + 60}-{seal}", "x"]
    for each in forged:
        assert (await desk.outside.get(f"/f/{each}")).status_code == 404
    assert (await desk.outside.put(url, content=b"<script>alert(1)</script>")).status_code == 404


async def test_a_file_is_got_in_the_ranges_that_are_asked_for(desk: Desk) -> None:
    file = await desk.send(b"0123456789")
    ticket = await desk.story.open(attachments=[file["id"]])
    url = (await desk.story.customer.get(ticket["attachments"][0]["link"]))["download"]["url"]
    part = await desk.outside.get(url, headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"2345", "bytes 2-5/10")
    assert part.headers["content-disposition"].startswith("attachment;")
    assert part.headers["content-security-policy"].startswith("sandbox")
    assert (await desk.outside.get(url, headers={"Range": "bytes=-3"})).content == b"789"
    assert (await desk.outside.get(url, headers={"Range": "bytes=20-"})).status_code == 416
    assert (await desk.outside.get(url)).content == b"0123456789"
    use_up_requests(desk.state, ticket["account_id"])
    assert (await desk.outside.get(url)).status_code == 429


async def test_bytes_of_another_type_than_was_declared_are_refused(desk: Desk) -> None:
    upload = (await desk.story.customer.post("/v1/files", 201, name="a.log", type="Text/Plain; a=b", size=3))["upload"]
    for stated in ({"Content-Type": "text/html"}, {}):
        refused = await desk.outside.put(upload["url"], content=b"abc", headers=stated)
        assert (refused.status_code, "text/plain" in refused.json()["detail"]) == (415, True)
    for stated in (upload["headers"], {"Content-Type": "TEXT/plain; charset=utf-8"}):
        assert (await desk.outside.put(upload["url"], content=b"abc", headers=stated)).status_code == 204


async def test_a_part_has_to_fit(desk: Desk) -> None:
    made = await desk.story.customer.post("/v1/files", 201, name="a", type="", size=6)
    url, complete = made["upload"]["url"], f"/v1/files/{made['id']}/complete"
    for stated, body in ((None, b"abc"), ("bytes 0-2/7", b"abc"), ("bytes 4-6/6", b"abc"), ("3-5", b"abc")):
        headers = made["upload"]["headers"] | ({"Content-Range": stated} if stated else {})
        assert (await desk.outside.put(url, content=body, headers=headers)).status_code == 400, stated
    place = {"Content-Range": "bytes 3-5/6"}
    later = await desk.outside.put(url, content=b"def", headers=made["upload"]["headers"] | place)
    assert (later.status_code, later.json()["held"]) == (409, 0)
    await desk.story.customer.post(complete, 409)
    page = {"Origin": "https://shop.example", "Access-Control-Request-Method": "PUT"}
    assert (await desk.outside.options(url, headers=page)).headers["access-control-allow-origin"] == "*"
    await desk.put(made["upload"] | {"part_size": 4}, b"abcdef")
    assert (await desk.story.customer.post(complete))["state"] == "ready"
    assert (await desk.outside.put(url, content=b"ABCDEF")).status_code == 409


async def test_what_is_too_large_of_another_type_or_beyond_the_quota_is_refused(desk: Desk) -> None:
    customer, account = desk.story.customer, desk.story.account.account_id
    large = await customer.post("/v1/files", 422, name="a", type="application/x-msdownload", size=4 * 2**20)
    assert pointers(large) == ["/size", "/type"]
    await customer.post("/v1/files", 201, name="a", size=2 * 2**20)
    full = await customer.post("/v1/files", 409, name="a", size=3 * 2**20)
    assert (full["quota"], full["used"]) == ("file_bytes", 2 * 2**20)
    usage = {each["quota"]: each["used"] for each in (await customer.get(f"/v1/accounts/{account}/usage"))["quotas"]}
    assert usage["file_bytes"] == 2 * 2**20


@BOTH
async def test_what_comes_with_a_mail_is_kept_beside_it_and_then_stored(desk: Desk) -> None:
    story, ticket = desk.story, await desk.story.open()
    account = story.account.account_id

    async def bring(session: Any) -> list[str]:
        given = [
            ("scan.pdf", "application/pdf", LARGE),
            ("run.exe", "application/x-msdownload", b"MZ"),
            ("no", "", b""),
        ]
        return [(await keep(session, account, account, name, kind, Pieces.of(body))).id for name, kind, body in given]

    ids = await run(story.sessions, bring)
    posted = await story.customer.post(f"{path_of(ticket)}/messages", 201, body="Attached", attachments=ids)
    kept, *left = posted["attachments"]
    assert [(each["state"], each["reason"], each["link"]) for each in left] == [
        ("left_out", "type", None),
        ("left_out", "empty", None),
    ]
    assert (await story.customer.get(kept["link"]))["state"] == "stored"
    assert await desk.keep() == 1
    assert (await desk.get(kept["link"])).content == LARGE
    async with story.sessions() as session:
        assert await (await driver(session)).fetchval("SELECT count(*) FROM file_chunks") == 0


@pytest.mark.parametrize("kept_in", ["nowhere"])
async def test_without_a_store_files_are_left_out_and_the_message_says_so(desk: Desk) -> None:
    story, ticket = desk.story, await desk.story.open()
    account = story.account.account_id
    assert not (await story.customer.get("/v1/files/limits"))["kept"]
    await story.customer.post("/v1/files", 409, name="a", size=1)
    left = await run(
        story.sessions, lambda session: keep(session, account, account, "a.pdf", "application/pdf", Pieces.of(b"x"))
    )
    posted = await story.customer.post(f"{path_of(ticket)}/messages", 201, body="Attached", attachments=[left.id])
    assert [(each["name"], each["reason"]) for each in posted["attachments"]] == [("a.pdf", "no_store")]
    assert any("files" in each for each in desk.state.degraded)


@BOTH
async def test_nobody_gets_a_file_before_it_is_scanned_or_one_in_which_something_is_found(
    desk: Desk, daemon: Daemon
) -> None:
    story = desk.story
    clean, eicar, late = [await desk.send(body) for body in (LARGE, EICAR + b"1", b"x" + EICAR)]
    ticket = await story.open(attachments=[clean["id"]])
    infected = await story.customer.post(f"{path_of(ticket)}/messages", 201, body="B", attachments=[eicar["id"]])
    link = infected["attachments"][0]["link"]
    before = await story.customer.get(link)
    assert (before["state"], before["download"]) == ("scanning", None)
    daemon.says = b"INSTREAM size limit exceeded. ERROR\0"
    assert await desk.keep() == 3
    assert (await story.customer.get(link))["state"] == "scanning"
    await _passes(desk, 1)
    async with transaction(story.sessions) as session:
        assert await trouble(session) == "3 files wait for their store or scanner, which fails"
        await (await driver(session)).execute("UPDATE files SET due_at = now()")
    daemon.says = b""
    assert await desk.keep() == 3
    assert len(daemon.seen) == 6
    assert (await desk.get(ticket["attachments"][0]["link"])).content == LARGE
    assert ((await story.customer.get(link))["state"], (await story.customer.get(link))["download"]) == (
        "quarantined",
        None,
    )
    [shown] = (await story.customer.get(f"{path_of(ticket)}/messages"))["items"][0]["attachments"]
    assert (shown["state"], shown["link"]) == ("quarantined", None)
    [told] = await story.events(path_of(ticket), "file.quarantined", who=story.customer)
    assert (told["data"]["finding"], told["data"]["message_id"]) == ("Eicar-Test-Signature", infected["id"])
    answer = await story.customer.post(f"{path_of(ticket)}/messages", 422, body="B", attachments=[late["id"]])
    assert pointers(answer) == ["/attachments/0"]


@BOTH
async def test_what_a_second_completion_brings_is_scanned_although_the_first_was_clean(
    desk: Desk, daemon: Daemon
) -> None:
    made = await desk.story.customer.post("/v1/files", 201, name="a.log", type="text/plain", size=len(EICAR))
    complete, folder = f"/v1/files/{made['id']}/complete", desk.state.files
    async with desk.story.sessions() as session:
        late = await sent(session, made["id"])
        secret = await mail_secret(session)
    assert late
    assert folder
    await desk.put(made["upload"], b"x" * len(EICAR))
    assert (await desk.story.customer.post(complete))["state"] == "scanning"
    assert await desk.keep() == 1
    assert (await desk.story.customer.post(complete))["state"] == "ready"
    await folder.delete(stored(late, secret))  # the second has seen none before, and sends other bytes by its link
    if isinstance(folder, Folder):
        await folder.put(stored(late, secret), 0, EICAR)
    else:
        await desk.put(made["upload"], EICAR)
    assert await folder.take(stored(late, secret))
    await run(desk.story.sessions, partial(taken, row=late, scans=True))
    assert await desk.keep() == 1
    assert daemon.seen[-1] == EICAR
    assert (await desk.story.customer.post(complete))["state"] == "quarantined"
    path = path_of(await desk.story.open())
    refused = await desk.story.customer.post(f"{path}/messages", 422, body="See it", attachments=[made["id"]])
    assert [fault["detail"] for fault in refused["errors"]] == [
        f"The scanner has found something in {made['name']}: remove this file"
    ]


async def test_a_folder_follows_no_links_and_takes_what_is_sent_once(desk: Desk, tmp_path: Path) -> None:
    folder, file = desk.state.files, StoredFile("acc_1", "fil_1", "a", "text/plain", 3)
    assert isinstance(folder, Folder)
    (place := tmp_path / "files" / "acc_1").mkdir(parents=True)
    (tmp_path / "other").write_bytes(b"own")
    for name in ("fil_1.part", "fil_1"):
        (place / name).symlink_to(tmp_path / "other")
    for work in (folder.put(file, 0, b"abc"), folder.take(file), folder.opened(file)):
        with pytest.raises(StoreFailed):
            await work
    assert (tmp_path / "other").read_bytes() == b"own"
    for name in ("fil_1.part", "fil_1"):
        (place / name).unlink()
    await folder.put(file, 0, b"abc")
    assert await asyncio.gather(*(folder.take(file) for _ in range(8))) == [True] * 8
    assert [(path.name, path.read_bytes()) for path in place.iterdir()] == [("fil_1", b"abc")]


async def test_many_at_once_take_no_more_than_there_is_room_for(desk: Desk) -> None:
    about = {"name": "a", "type": "text/plain", "size": 2**20}
    answers = await asyncio.gather(*(desk.story.customer.send("POST", "/v1/files", about) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 4 + [409] * 4


@BOTH
async def test_what_nobody_attaches_is_dropped_and_so_is_what_loses_its_ticket(desk: Desk, tmp_path: Path) -> None:
    story, store = desk.story, desk.state.files
    assert store
    kept, lost = await desk.send(b"kept"), await desk.send(b"lost")
    ticket = await story.open(attachments=[kept["id"]])
    link = ticket["attachments"][0]["link"]
    assert await drop_nobodys(story.sessions, store) == 0
    await _passes(desk, 2)
    assert await drop_nobodys(story.sessions, store) == 1
    await story.customer.post(f"/v1/files/{lost['id']}/complete", 404)
    assert (await desk.get(link)).content == b"kept"
    url = (await story.customer.get(link))["download"]["url"]
    async with transaction(story.sessions) as session:
        connection = await driver(session)
        for table in ("deadlines", "ticket_titles", "mailings", "events"):
            await connection.execute(f"DELETE FROM {table} WHERE ticket_id = $1", ticket["id"])  # noqa: S608
        await connection.execute("DELETE FROM tickets WHERE id = $1", ticket["id"])
    assert await drop_nobodys(story.sessions, store) == 1
    assert (await desk.outside.get(url)).status_code in (403, 404)
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


def test_links_to_an_s3_store_name_what_they_allow() -> None:
    url = AnyHttpUrl("https://s3.example.com")
    settings = Settings(database_url="", s3_url=url, s3_bucket="files", s3_access_key="a", s3_secret_key=SecretStr("b"))
    bucket, now = Bucket(settings, httpx.AsyncClient()), datetime(2026, 11, 26, tzinfo=UTC)
    file = StoredFile("acc_1", "fil_1", "a.log", "text/plain", 5)
    upload, link = bucket.upload(file, now), bucket.link(file, now)
    assert "X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost" in upload.url
    assert "response-content-disposition=attachment" in link.url
    assert upload.expires_at - link.expires_at == timedelta(minutes=55)


async def test_a_store_without_the_bucket_has_taken_nothing(s3: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"hello"

    keys: Any = {"s3_access_key": "a", "s3_secret_key": SecretStr("b")}
    settings = Settings(database_url="", s3_url=AnyHttpUrl(s3), s3_bucket="another", **keys)
    async with httpx.AsyncClient(trust_env=False) as http:
        with pytest.raises(StoreFailed, match="no such bucket"):
            await Bucket(settings, http).write(StoredFile("acc_1", "fil_1", "a.log", "text/plain", 5), chunks())


@BOTH
async def test_a_file_that_the_store_has_lost_is_found(desk: Desk) -> None:
    story, store = desk.story, desk.state.files
    assert store
    sent = [await desk.send(body) for body in (b"there", b"lost")]
    ticket = await story.open(attachments=[each["id"] for each in sent])
    assert [each async for each in missing_files(story.sessions, store, None, None)] == []
    await store.delete(StoredFile(ticket["account_id"], sent[1]["id"], "", "", 4))
    [lost] = [str(each) async for each in missing_files(story.sessions, store, None, ticket["id"])]
    assert lost == f"{ticket['id']}: file {sent[1]['id']} (4 bytes): the store does not have it"
    assert len([each async for each in missing_files(story.sessions, None, None, None)]) == 2

"""Calendars of shifts (RFC 5545), and the tokens that show them to calendar apps."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest
from icalendar import Calendar as Document

from app.calendars.hours import Calendar, CalendarSpec
from app.core.db.engine import Sessions
from app.core.state import State
from app.core.text.language import LANGUAGES, Language
from app.roster import ical
from app.roster.ical import Entry, Override, Person, Rota
from tests.support.actors import Headers, make_account, make_engineer, make_key, make_region
from tests.support.desk import fetch
from tests.support.stories import Caller

MONDAY: Final = datetime(2026, 10, 19, tzinfo=UTC)
DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
WARSAW: Final = Calendar(CalendarSpec("Europe/Warsaw", dict.fromkeys(range(5), ((8 * 60, 16 * 60),))))


def person(name: str, *absences: tuple[datetime, datetime], calendar: Calendar = WARSAW) -> Person:
    return Person(f"eng_{name.lower()}", name, calendar, absences, MONDAY)


def rota(*people: Person, overrides: tuple[Override, ...] = (), language: Language = "en", days: int = 7) -> Rota:
    return Rota({one.id: one for one in people}, overrides, MONDAY, MONDAY + days * DAY, language)


def shown(entries: Any) -> list[tuple[str, str, str]]:
    ordered = ical.nearest(entries, MONDAY)
    return [(f"{one.begins:%a %H:%M}", f"{one.ends:%a %H:%M}", one.text) for one in ordered]


def of_ola(hours: int = 24, first: float = 1) -> Override:
    since = MONDAY + first * DAY
    return Override("ovr_1", "eng_noor", "eng_ola", since, since + hours * HOUR, MONDAY)


# --- what is shown ---------------------------------------------------------------------------------------------


def test_shifts_are_shown_in_utc_over_a_clock_change() -> None:
    found = shown(ical.of_engineer(rota(person("Noor"), days=9), "eng_noor"))
    assert found[0] == ("Mon 06:00", "Mon 14:00", "On shift")
    assert found[-1] == ("Tue 07:00", "Tue 15:00", "On shift")  # winter time
    assert len(found) == 7


def test_both_see_an_override_in_their_own_calendar() -> None:
    night = Calendar(CalendarSpec("UTC", {1: ((20 * 60, 24 * 60),)}))
    both = rota(person("Noor"), person("Ola", calendar=night), overrides=(of_ola(),), days=2)
    assert shown(ical.of_engineer(both, "eng_noor")) == [
        ("Mon 06:00", "Mon 14:00", "On shift"),
        ("Tue 06:00", "Tue 14:00", "Covered by Ola"),
    ]
    assert shown(ical.of_engineer(both, "eng_ola")) == [
        ("Tue 06:00", "Tue 14:00", "On shift for Noor"),
        ("Tue 20:00", "Wed 00:00", "On shift"),
    ]
    busy = {one.text: one.busy for name in both.people for one in ical.of_engineer(both, name)}
    assert busy == {"On shift": True, "Covered by Ola": False, "On shift for Noor": True}


def test_an_override_covers_a_part_of_a_shift() -> None:
    both = rota(person("Noor"), person("Ola"), overrides=(of_ola(hours=2, first=1 + 8 / 24),), days=2)
    assert shown(ical.of_region(both, ["eng_noor"])) == [
        ("Mon 06:00", "Mon 14:00", "Noor · On shift"),
        ("Tue 06:00", "Tue 08:00", "Noor · On shift"),
        ("Tue 08:00", "Tue 10:00", "Ola · On shift for Noor"),
        ("Tue 10:00", "Tue 14:00", "Noor · On shift"),
    ]


def test_absences_are_shown_and_take_their_shifts_away() -> None:
    away = (MONDAY + 10 * HOUR, MONDAY + 2 * DAY)
    assert shown(ical.of_engineer(rota(person("Noor", away), days=3), "eng_noor")) == [
        ("Mon 06:00", "Mon 10:00", "On shift"),
        ("Mon 10:00", "Wed 00:00", "Absent"),
        ("Wed 06:00", "Wed 14:00", "On shift"),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_calendar_speaks_the_readers_language(language: Language) -> None:
    away = (MONDAY, MONDAY + HOUR)
    both = rota(person("Noor", away), person("Ola"), overrides=(of_ola(),), language=language, days=2)
    texts = {one.text for name in both.people for one in ical.of_engineer(both, name)}
    assert len(texts) == 4
    english = rota(person("Noor", away), person("Ola"), overrides=(of_ola(),), days=2)
    plain = {one.text for name in english.people for one in ical.of_engineer(english, name)}
    assert (texts == plain) == (language == "en")


def test_a_calendar_shows_whole_months_so_that_entries_keep_their_ids() -> None:
    for day in (1, 15, 31):
        begins, ends = ical.span(datetime(2026, 12, day, 13, tzinfo=UTC))
        assert (begins, ends) == (datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC))
    assert ical.span(datetime(2027, 1, 1, tzinfo=UTC))[0] == datetime(2026, 12, 1, tzinfo=UTC)


def test_of_too_many_entries_the_next_ones_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ical, "MOST", 2)
    entries = list(ical.of_engineer(rota(person("Noor")), "eng_noor"))
    found = ical.nearest(reversed(entries), MONDAY + 2 * DAY)
    assert [f"{one.begins:%a}" for one in found] == ["Wed", "Thu"]


# --- how it is written -----------------------------------------------------------------------------------------


def test_what_is_written_conforms_to_rfc_5545() -> None:
    name = "Zażółć; gęślą, \\ jaźń\r\nBEGIN:VEVENT\x07" + "long " * 30
    entries = [Entry("a-1@heliodesk", MONDAY, MONDAY + HOUR, name, busy=True, changed_at=MONDAY)]
    text = ical.written(name, entries)
    assert text.count(b"\n") == text.count(b"\r\n") == text.count(b"\r")
    assert all(len(line) <= 75 for line in text.split(b"\r\n"))
    assert text.startswith(b"BEGIN:VCALENDAR\r\n")
    assert text.endswith(b"END:VCALENDAR\r\n")
    unfolded = text.replace(b"\r\n ", b"").decode()
    assert "DTSTART:20261019T000000Z\r\nDTEND:20261019T010000Z\r\n" in unfolded
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in unfolded
    assert unfolded.count("BEGIN:VEVENT\r\n") == 1
    read = Document.from_ical(text)
    assert (str(read["VERSION"]), str(read["PRODID"])) == ("2.0", ical.PROGRAM)
    [event] = read.walk("VEVENT")
    assert (event.DTSTAMP, event["UID"]) == (MONDAY, "a-1@heliodesk")
    assert str(event["SUMMARY"]).startswith("Zażółć; gęślą, \\ jaźń BEGIN:VEVENT long")


def test_ids_are_unique_and_stay_the_same() -> None:
    both = rota(person("Noor", (MONDAY, MONDAY + HOUR)), person("Ola"), overrides=(of_ola(),))
    entries = [*ical.of_region(both, both.people)]
    assert len({one.uid for one in entries}) == len(entries)
    assert ical.written("a", entries) == ical.written("a", [*ical.of_region(both, both.people)])


# --- over HTTP -------------------------------------------------------------------------------------------------


@pytest.fixture
def roster(client: httpx.AsyncClient, admin: Headers) -> Caller:
    return Caller(client, admin)


@pytest.fixture
def reader(client: httpx.AsyncClient) -> Caller:
    """A calendar app: it sends no key."""
    return Caller(client, {})


def summaries(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    return {str(event["SUMMARY"]) for event in Document.from_ical(answer.content).walk("VEVENT")}


async def test_a_token_shows_an_engineers_calendar_until_it_is_deleted(
    roster: Caller, reader: Caller, sessions: Sessions
) -> None:
    noor, ola = [(await make_engineer(sessions, name=name)).id for name in ("Noor", "Ola")]
    now = datetime.fromisoformat((await roster.get(f"/v1/engineers/{noor}"))["created_at"])
    span = {"from": f"{now + DAY:%Y-%m-%dT%H:00:00Z}", "until": f"{now + 2 * DAY:%Y-%m-%dT%H:00:00Z}"}
    await roster.post(f"/v1/engineers/{noor}/overrides", 201, covered_by=ola, **span)
    path = f"/v1/engineers/{noor}/calendar-tokens"
    made = await roster.post(path, 201)
    url = made["url"].removeprefix("http://test")
    assert url.startswith(f"/v1/engineers/{noor}/shifts.ics?token=hd_calendar_")
    assert summaries(await reader.send("GET", url)) == {"On shift", "Covered by Ola"}
    assert "Sustitución: Ola" in summaries(await reader.send("GET", url, accept_language="es"))
    [kept] = (await roster.get(path))["items"]
    assert kept == {"id": made["id"], "created_at": made["created_at"]}
    [row] = await fetch(sessions, "SELECT * FROM calendar_tokens")
    assert url.partition("token=")[2] not in str(dict(row))
    assert (await reader.send("GET", url.replace(noor, ola))).status_code == 401
    assert (await reader.send("GET", url[:-1])).status_code == 401
    assert (await reader.send("GET", url.partition("?")[0])).status_code == 401
    assert summaries(await roster.send("GET", url.partition("?")[0])) == {"On shift", "Covered by Ola"}
    assert (await roster.send("DELETE", f"/v1/engineers/{ola}/calendar-tokens/{made['id']}")).status_code == 404
    assert (await roster.send("DELETE", f"{path}/{made['id']}")).status_code == 204
    assert (await reader.send("GET", url)).status_code == 401


async def test_a_token_shows_a_regions_calendar(roster: Caller, reader: Caller, sessions: Sessions) -> None:
    region = await make_region(sessions, key="emea")
    other = await make_region(sessions, key="apac")
    await make_engineer(sessions, name="Noor", region="emea")
    await make_engineer(sessions, name="Gone", region="emea", active=False)
    await make_engineer(sessions, name="Ola", region="apac")
    made = await roster.post(f"/v1/regions/{region.id}/calendar-tokens", 201)
    url = made["url"].removeprefix("http://test")
    assert url.startswith("/v1/regions/emea/shifts.ics?token=")
    assert summaries(await reader.send("GET", url)) == {"Noor · On shift"}
    assert (await reader.send("GET", url.replace("emea", "apac"))).status_code == 401
    assert summaries(await roster.send("GET", "/v1/regions/apac/shifts.ics")) == {"Ola · On shift"}
    assert (await roster.send("GET", "/v1/regions/moon/shifts.ics")).status_code == 404
    await roster.post(f"/v1/regions/{other.id}/calendar-tokens", 201)
    await fetch(sessions, "DELETE FROM engineers WHERE region = 'emea'")
    assert (await roster.send("DELETE", f"/v1/regions/{region.id}")).status_code == 204
    assert len(await fetch(sessions, "SELECT 1 FROM calendar_tokens")) == 1


async def test_an_engineer_gives_away_their_own_calendar_alone(client: httpx.AsyncClient, sessions: Sessions) -> None:
    noor, ola = [(await make_engineer(sessions, name=name)).id for name in ("Noor", "Ola")]
    own = Caller(client, await make_key(sessions, "agent", engineer_id=noor))
    await own.post(f"/v1/engineers/{noor}/calendar-tokens", 201)
    await own.post(f"/v1/engineers/{ola}/calendar-tokens", 403)
    await own.get(f"/v1/engineers/{ola}/calendar-tokens", 403)
    assert (await own.send("GET", f"/v1/engineers/{ola}/shifts.ics")).status_code == 200


async def test_a_sandboxs_own_region_has_a_calendar_of_its_own(
    roster: Caller, reader: Caller, sessions: Sessions, plans: None
) -> None:
    del plans
    account = (await make_account(sessions, "google-premium", sandbox=True)).account_id
    await make_region(sessions, key="emea")
    region = await make_region(sessions, key="emea", account_id=account)
    await make_engineer(sessions, name="Test", region="emea", account_id=account)
    made = await roster.post(f"/v1/regions/{region.id}/calendar-tokens", 201)
    assert summaries(await reader.send("GET", made["url"].removeprefix("http://test"))) == {"Test · On shift"}
    assert summaries(await roster.send("GET", f"/v1/regions/emea/shifts.ics?account_id={account}")) == {
        "Test · On shift"
    }
    assert summaries(await roster.send("GET", "/v1/regions/emea/shifts.ics")) == set()


async def test_a_calendar_has_a_bounded_number_of_tokens(
    roster: Caller, sessions: Sessions, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state.settings, "max_calendar_tokens", 1)
    path = f"/v1/engineers/{(await make_engineer(sessions)).id}/calendar-tokens"
    made = await roster.send("POST", path, idempotency_key="a")
    replayed = await roster.send("POST", path, idempotency_key="a")
    assert (replayed.status_code, replayed.json()) == (201, {k: v for k, v in made.json().items() if k != "url"})
    problem = await roster.post(path, 409)
    assert (problem["quota"], problem["value"], problem["used"]) == ("tokens_per_calendar", 1, 1)

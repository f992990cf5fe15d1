import base64
import hashlib
import hmac
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import AnyHttpUrl

from app.calls.providers.jitsi import make_jitsi
from app.calls.providers.provider import CallRequest
from app.core.clock import wall_now
from app.core.settings import Settings

REQUEST = CallRequest("cal_1", "acc_1", "tkt_1")
URL = AnyHttpUrl("https://jitsi.example/support/")


async def join_url(**settings: Any) -> str:
    jitsi = make_jitsi(Settings(jitsi_base_url=URL, **settings))
    assert jitsi
    return (await jitsi.create(REQUEST)).join_url


async def test_a_room_cannot_be_guessed() -> None:
    urls = {await join_url() for _ in range(3)}
    assert len(urls) == 3
    assert all(re.fullmatch(r"https://jitsi\.example/support/heliodesk-[0-9a-f]{40}", url) for url in urls)


async def test_a_server_that_asks_for_tokens_gets_one_for_this_room() -> None:
    url = urlsplit(await join_url(jitsi_app_id="heliodesk", jitsi_app_secret="s3cret"))
    [token] = parse_qs(url.query)["jwt"]
    signed, _, signature = token.rpartition(".")
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in signed.split("."))
    expected = hmac.new(b"s3cret", signed.encode(), hashlib.sha256).digest()
    assert hmac.compare_digest(base64.urlsafe_b64decode(signature + "=="), expected)
    assert header == {"alg": "HS256", "typ": "JWT"}
    life = claims.pop("exp") - wall_now().timestamp()
    assert 23 * 3600 < life <= 24 * 3600
    assert claims == {
        "iss": "heliodesk",
        "aud": "jitsi",
        "sub": "jitsi.example",
        "room": url.path.rpartition("/")[2],
        "context": {"user": {"id": "cal_1"}},
    }


async def test_audience_and_subject_are_settings() -> None:
    told = {"jitsi_audience": "desk", "jitsi_subject": "support"}
    url = await join_url(jitsi_app_id="heliodesk", jitsi_app_secret="s3cret", **told)
    claims = json.loads(base64.urlsafe_b64decode(url.split(".")[-2] + "=="))
    assert (claims["aud"], claims["sub"]) == ("desk", "support")


def test_no_address_no_jitsi() -> None:
    assert make_jitsi(Settings()) is None

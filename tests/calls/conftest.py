from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import AnyHttpUrl

from app.calls.providers.meet import Meet, make_meet
from app.core.outgoing.connector import make_http
from app.core.settings import Settings
from tests.calls.meet_standin import Google, serving
from tests.support.waiting import PATIENCE


@pytest.fixture(scope="session")
def key() -> rsa.RSAPrivateKey:
    """The service account's key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
async def google(key: rsa.RSAPrivateKey) -> AsyncIterator[Google]:
    async with serving(key) as google:
        yield google
        assert google.refused == []


@pytest.fixture
def meet_settings(settings: Settings, google: Google, tmp_path: Path) -> Settings:
    """Settings with Google Meet, which is the stand-in."""
    return settings.model_copy(
        update={
            "allow_networks": [ip_network("127.0.0.0/8")],
            "meet_credentials_file": google.credentials(tmp_path),
            "meet_hosts": sorted(google.users),
            "meet_api_url": AnyHttpUrl(google.url),
            "meet_token_url": AnyHttpUrl(f"{google.url}/token"),
        }
    )


@pytest.fixture
async def outgoing(meet_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The real client."""
    async with make_http(meet_settings) as client:
        yield client


@pytest.fixture
def meet(meet_settings: Settings, outgoing: httpx.AsyncClient) -> Meet:
    """Google Meet as an operator sets it up, with more patience: the stand-in shares this machine with other tests."""
    made = make_meet(meet_settings, outgoing)
    assert made
    return replace(made, timeout=PATIENCE)

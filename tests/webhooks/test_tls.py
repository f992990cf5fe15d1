"""A connection to a vetted address is still checked by the name: SNI, the certificate's name, its authority."""

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.core.clock import wall_now
from app.core.outgoing.connector import Unreachable, make_http, make_session, post
from app.core.settings import Settings
from tests.webhooks.resolving import FakeResolver

LOOPBACK = Settings(allow_networks=[ip_network("127.0.0.0/8")])
TO_US = FakeResolver(["127.0.0.1"])


@dataclass
class Server:
    """A TLS server of ``hook.example``; ``authority`` is the file with who vouches for it, ``names`` the SNI it got."""

    authority: Path
    port: int = 0
    names: list[str | None] = field(default_factory=list)

    def url(self, host: str) -> str:
        return f"https://{host}:{self.port}/"


def certificate(subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, by: ec.EllipticCurvePrivateKey) -> bytes:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    own = subject == issuer
    builder = x509.CertificateBuilder(name(issuer), name(subject), key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(wall_now() - timedelta(days=1)).not_valid_after(wall_now() + timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=own, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key())
    builder = builder.add_extension(authority_id, critical=False)
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = builder.add_extension(key_id, critical=False)
    if own:
        usage = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"), False
        )
        usage |= {"key_agreement": False, "key_cert_sign": True, "crl_sign": True}
        builder = builder.add_extension(x509.KeyUsage(**usage, encipher_only=False, decipher_only=False), critical=True)
    return builder.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    ours, theirs = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    server = Server(tmp_path / "authority.pem")
    server.authority.write_bytes(certificate("authority.example", ours, "authority.example", ours))
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(certificate("hook.example", theirs, "authority.example", ours))
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key.write_bytes(theirs.private_bytes(serialization.Encoding.PEM, *plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    context.sni_callback = lambda _socket, name, _context: server.names.append(name)

    async def take(_: web.Request) -> web.Response:
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    server.port = runner.addresses[0][1]
    yield server
    await runner.cleanup()


async def test_the_right_name_is_asked_for_and_taken(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    async with make_session(LOOPBACK, TO_US) as outgoing, make_http(LOOPBACK, TO_US) as http:
        assert (await post(outgoing, server.url("hook.example"), b"{}", {})).status == 204
        assert (await http.post(server.url("hook.example"))).status_code == 204
    assert server.names == ["hook.example"] * 2


@pytest.mark.parametrize("host", ["other.example", "127.0.0.1"])
async def test_another_name_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    async with make_session(LOOPBACK, TO_US) as outgoing, make_http(LOOPBACK, TO_US) as http:
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            await post(outgoing, server.url(host), b"{}", {})
        with pytest.raises(httpx.TransportError, match="CERTIFICATE_VERIFY_FAILED"):
            await http.post(server.url(host))


async def test_an_unknown_authority_is_refused(server: Server) -> None:
    async with make_session(LOOPBACK, TO_US) as outgoing, make_http(LOOPBACK, TO_US) as http:
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            await post(outgoing, server.url("hook.example"), b"{}", {})
        with pytest.raises(httpx.TransportError, match="CERTIFICATE_VERIFY_FAILED"):
            await http.post(server.url("hook.example"))

"""Identity tokens: what is taken, and why anything else is refused."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.core.auth import TrustedKey, Widget
from app.core.keys.trusted import Unfit, from_jwk, key_set, material
from app.core.problems import IdentityRefused
from app.visitors import tokens
from tests.support.identities import SECRET, claims, jwk, pair, public_pem, token

NOW = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)
HS = TrustedKey("k1", "HS256", SECRET)
WIDGET = Widget(("https://app.example.com",), (HS,))
PAIRS = {alg: pair(alg) for alg in ("RS256", "ES256", "EdDSA")}


def accepted(text: str, key: TrustedKey = HS, widget: Widget = WIDGET) -> tokens.Claims:
    found = tokens.opened(tokens.read(text), key, widget)
    tokens.check_times(found, NOW)
    return found


def refused(text: str, key: TrustedKey = HS, widget: Widget = WIDGET) -> str:
    with pytest.raises(IdentityRefused) as refusal:
        accepted(text, key, widget)
    return str(refusal.value.members["reason"])


def unsigned(header: dict[str, Any], stated: dict[str, Any], secret: bytes | None = None) -> str:
    """A token made by hand, as no library makes it."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, stated)]
    signature = hmac.digest(secret, b".".join(parts), hashlib.sha256) if secret else b""
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def test_a_token_says_who_its_visitor_is() -> None:
    found = accepted(token(claims(NOW, external_ref="cust-7", locale="es", own="whatever")))
    assert (found.sub, found.email, found.name) == ("user-1", "ana@example.com", "Ana Silva")
    assert (found.external_ref, found.locale) == ("cust-7", "es")


@pytest.mark.parametrize("alg", PAIRS)
def test_each_algorithm_is_taken_with_its_own_key(alg: str) -> None:
    private, public = PAIRS[alg]
    text = token(claims(NOW), alg=alg, key=private)
    for key in (public, from_jwk(jwk(public, alg))[1]):
        assert accepted(text, TrustedKey("k1", alg, key)).sub == "user-1"
    other = next(name for name in PAIRS if name != alg)
    assert refused(text, TrustedKey("k1", other, PAIRS[other][1])) == "algorithm"


def test_a_public_key_is_no_secret() -> None:
    """The classic confusion: whoever knows the public key signs with it as if it were the secret of HS256."""
    public = PAIRS["RS256"][1]
    forged = unsigned({"alg": "HS256", "kid": "k1", "typ": "JWT"}, claims(NOW), public.encode())
    assert refused(forged, TrustedKey("k1", "RS256", public)) == "algorithm"
    assert refused(forged, TrustedKey("k1", "HS256", public)) == "unknown_key"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "HS384", "RS512", "PS256", None, 5])
def test_a_token_without_a_signature_that_counts_is_refused(alg: Any) -> None:
    assert refused(unsigned({"alg": alg, "kid": "k1"}, claims(NOW))) in ("algorithm", "malformed")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": int((NOW - timedelta(minutes=1)).timestamp())}, "expired"),
        ({"exp": int((NOW + timedelta(hours=25)).timestamp())}, "lifetime"),
        ({"exp": 2**60}, "claims"),
        ({"exp": None}, "claims"),
        ({"exp": "tomorrow"}, "claims"),
        ({"nbf": int((NOW + timedelta(minutes=2)).timestamp())}, "not_yet_valid"),
        ({"iat": int((NOW + timedelta(minutes=2)).timestamp())}, "not_yet_valid"),
        ({"aud": "billing"}, "audience"),
        ({"aud": None}, "audience"),
        ({"aud": ["billing", "mail"]}, "audience"),
        ({"sub": None}, "claims"),
        ({"sub": ""}, "claims"),
        ({"sub": "x" * 201}, "claims"),
        ({"sub": "a\0b"}, "claims"),
        ({"sub": "\ud800"}, "claims"),
        ({"email": None}, "claims"),
        ({"email": "nobody"}, "claims"),
        ({"name": None}, "claims"),
        ({"name": "\u200b"}, "claims"),
        ({"name": "x" * 5000}, "malformed"),
    ],
)
def test_what_it_has_to_say(changes: dict[str, Any], reason: str) -> None:
    assert refused(token(claims(NOW, **changes))) == reason


@pytest.mark.parametrize("kid", ["\ud800", "k1\n", "x" * 101, "", 5, None], ids=ascii)
def test_the_id_of_a_key_is_a_text_that_can_be_told(kid: Any) -> None:
    assert refused(unsigned({"alg": "HS256", "kid": kid}, claims(NOW))) in ("unknown_key", "malformed")


def test_other_claims_are_the_host_products_own() -> None:
    assert accepted(unsigned({"alg": "HS256", "kid": "k1"}, claims(NOW, jti=7), SECRET.encode())).sub == "user-1"
    number = unsigned({"alg": "HS256", "kid": "k1"}, claims(NOW, sub=7), SECRET.encode())
    assert refused(number) == "claims"


@pytest.mark.parametrize("odd", [["RSA"], {"a": 1}, None, 5], ids=ascii)
def test_an_odd_key_of_a_set_is_left_out(odd: Any) -> None:
    good = jwk(PAIRS["ES256"][1], "ES256", kid="good")
    others = [good | {"kid": member, member: odd} for member in ("kty", "crv", "x")]
    assert set(key_set({"keys": [*others, good]}, 50)) == {"good"}


def test_clocks_may_differ_a_little() -> None:
    late = claims(
        NOW, exp=int((NOW - timedelta(seconds=20)).timestamp()), iat=int((NOW - timedelta(hours=1)).timestamp())
    )
    assert accepted(token(late))
    ahead = claims(NOW, iat=int((NOW + timedelta(seconds=20)).timestamp()))
    assert accepted(token(ahead))


def test_an_issuer_counts_where_the_key_names_one() -> None:
    widget = Widget((), (HS,), issuer="https://app.example.com")
    assert accepted(token(claims(NOW, iss="https://app.example.com")), widget=widget)
    assert refused(token(claims(NOW, iss="https://evil.example")), widget=widget) == "issuer"
    assert refused(token(claims(NOW)), widget=widget) == "issuer"


@pytest.mark.parametrize("text", ["", "x", "a.b", "a.b.c", "é.é.é", "." * 10, "x" * 5000])
def test_what_is_no_token(text: str) -> None:
    assert refused(text) == "malformed"


def test_a_wrong_signature_and_a_critical_header() -> None:
    assert refused(token(claims(NOW), key=SECRET + "x")) == "signature"
    changed = token(claims(NOW)).split(".")
    changed[1] = token(claims(NOW, email="boss@example.com")).split(".")[1]
    assert refused(".".join(changed)) == "signature"
    assert refused(token(claims(NOW), crit=["b64"], b64=False)) == "malformed"
    assert refused(token(claims(NOW), kid=None)) == "unknown_key"


def test_marks_are_of_the_host_products_id_and_of_a_verified_address() -> None:
    of = tokens.Claims.model_validate(claims(NOW))
    both = tokens.marks_of(of, "key_1")
    assert len(both) == 2
    assert tokens.marks_of(of, "key_2")[0] != both[0]
    assert tokens.marks_of(of.model_copy(update={"email_verified": False}), "key_1") == both[:1]
    assert "ana@example.com" not in str(both)


def test_keys_that_are_no_use_are_refused() -> None:
    huge = rsa.RSAPublicNumbers(65537, 2**8192 + 1).public_key()
    long = huge.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    short = public_pem(rsa.generate_private_key(65537, 1024))  # noqa: S505  that is what is refused
    curve = public_pem(ec.generate_private_key(ec.SECP384R1()))
    for alg, key in (
        ("RS256", short),
        ("RS256", long),
        ("ES256", curve),
        ("EdDSA", curve),
        ("RS256", "x"),
        ("HS256", "x" * 31),
    ):
        with pytest.raises(Unfit):
            material(alg, key)
    for alg, (_private, public) in PAIRS.items():
        bare = "".join(line for line in public.splitlines() if not line.startswith("-"))
        forms = (public, bare, bare.rstrip("="), bare.replace("+", "-").replace("/", "_"), json.dumps(jwk(public, alg)))
        for form in forms:
            with pytest.raises(Unfit):
                material("HS256", form)
    assert material("HS256", base64.b64encode(b"\x30" * 48).decode())
    with pytest.raises(Unfit):
        material("RS256", PAIRS["RS256"][0])


def test_a_key_set_leaves_out_what_is_no_use() -> None:
    public = PAIRS["RS256"][1]
    good = jwk(public, "RS256", kid="good")
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "oct", "alg": "HS256"}
    others = [
        good | {"kid": None},
        good | {"kid": "enc", "use": "enc"},
        good | {"kid": "d", "d": "AQAB"},
        secret,
        "x",
        {},
    ]
    assert set(key_set({"keys": [*others, good, good | {"kid": "ps", "alg": "PS256"}]}, 50)) == {"good"}
    nothings: list[Any] = [None, [], {}, {"keys": {}}]
    for nothing in nothings:
        with pytest.raises(Unfit):
            key_set(nothing, 50)

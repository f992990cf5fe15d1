"""PURE: keys whose signatures on identity tokens count. Which can be used at all, and in what form they are kept."""

import json
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Mapping
from functools import lru_cache
from itertools import product
from typing import Any, Final, Literal, TypeAlias, get_args

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)
from cryptography.x509 import load_der_x509_certificate

from app.core.auth import TrustedKey
from app.core.text.messages import Message, _

Algorithm: TypeAlias = Literal["HS256", "RS256", "ES256", "EdDSA"]
PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

ALGORITHMS: Final[tuple[Algorithm, ...]] = get_args(Algorithm)
SHORTEST_SECRET: Final = 32
"""Bytes of a secret for HS256 (RFC 7518, 3.2)."""
_SHORTEST_RSA: Final = 2048
"""Bits of a key for RS256 (RFC 7518, 3.3)."""
_LONGEST_RSA: Final = 8192
"""A signature by such a key takes half a millisecond to check, and by one of twice the size four times as long."""
LONGEST_KID: Final = 100
"""Characters of the id of a key."""


class Unfit(ValueError):
    """The key cannot be used; the message says why."""

    def __init__(self, reason: Message) -> None:
        super().__init__(reason)
        self.reason = reason


@lru_cache(maxsize=1024)
def material(alg: str, text: str) -> str | PublicKey:
    """What verifies signatures by this algorithm. Raises ``Unfit``.

    A public key is never taken for a secret: whoever has it, which is everybody, could sign with it.
    """
    if alg == "HS256":
        return _secret(text)
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise Unfit(_("This is not a public key in PEM")) from None
    return _fitting(alg, key)


def _secret(text: str) -> str:
    if "-----BEGIN" in text or text.lstrip().startswith(("ssh-", "ecdsa-", "{")) or _is_public(text):
        raise Unfit(_("A public key cannot be the secret of HS256"))
    if len(text.encode()) < SHORTEST_SECRET:
        raise Unfit(_("A secret for HS256 has at least {least} bytes", least=SHORTEST_SECRET))
    return text


def _is_public(text: str) -> bool:
    """Whether this is a public key or a certificate without its armour: DER (RFC 5280) in base64."""
    packed = "".join(text.split()).rstrip("=")
    padded = packed + "=" * (-len(packed) % 4)
    for decode, load in product((b64decode, urlsafe_b64decode), (load_der_public_key, load_der_x509_certificate)):
        try:
            load(decode(padded.encode()))
        except (ValueError, UnsupportedAlgorithm):
            continue
        return True
    return False


def _fitting(alg: str, key: object) -> PublicKey:
    if alg == "RS256" and isinstance(key, RSAPublicKey):
        if not _SHORTEST_RSA <= key.key_size <= _LONGEST_RSA:
            raise Unfit(_("A key for RS256 has {least} to {most} bits", least=_SHORTEST_RSA, most=_LONGEST_RSA))
        return key
    if alg == "ES256" and isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    if alg == "EdDSA" and isinstance(key, Ed25519PublicKey):
        return key
    raise Unfit(_("This key is not one for {alg}", alg=alg))


def from_jwk(jwk: Mapping[str, Any], alg: str | None = None) -> tuple[str, str]:
    """The algorithm of a public key in the form of RFC 7517, and the key in PEM. Raises ``Unfit``.

    ``alg``: what it has to be for, where that is known; else the key says so, by its member or by its type.
    """
    if "d" in jwk or jwk.get("kty") == "oct":
        raise Unfit(_("Only public keys are accepted in this form, and this one holds a secret"))
    if jwk.get("use", "sig") != "sig":
        raise Unfit(_("This key is not one for signatures"))
    wanted = alg or jwk.get("alg") or _by_type(jwk)
    if wanted not in ALGORITHMS or wanted == "HS256" or jwk.get("alg", wanted) != wanted:
        raise Unfit(_("This key is for none of the algorithms {algorithms}", algorithms=list(ALGORITHMS[1:])))
    try:
        key = jwt.get_algorithm_by_name(wanted).from_jwk(json.dumps(dict(jwk)))
    except (jwt.PyJWTError, ValueError, TypeError, UnsupportedAlgorithm):
        raise Unfit(_("This is not a public key in the form of RFC 7517")) from None
    fitting = _fitting(wanted, key)
    return wanted, fitting.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


_BY_TYPE: Final[Mapping[tuple[Any, Any], str]] = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}


def _by_type(jwk: Mapping[str, Any]) -> str | None:
    """The one algorithm for which a key of this type can be; its members may be anything."""
    shown = (jwk.get("kty"), jwk.get("crv"))
    return next((alg for known, alg in _BY_TYPE.items() if known == shown), None)


def key_set(document: object, most: int) -> dict[str, TrustedKey]:
    """The keys of a JWK set by their ids; those without an id, and those that cannot be used here, are left out.

    Raises ``Unfit`` for what is no such set.
    """
    found = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(found, list):
        raise Unfit(_("This is not a set of keys (RFC 7517, 5)"))
    keys: dict[str, TrustedKey] = {}
    for jwk in found[:most]:
        kid = jwk.get("kid") if isinstance(jwk, dict) else None
        if isinstance(kid, str) and 0 < len(kid) <= LONGEST_KID:
            try:
                keys.setdefault(kid, TrustedKey(kid, *from_jwk(jwk)))
            except Unfit:
                continue
    return keys

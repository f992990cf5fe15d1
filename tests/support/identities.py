"""A host product that signs identity tokens, for tests."""

import json
from datetime import datetime, timedelta
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

SECRET: Final = "a secret of the host product that is long enough"
ORIGIN: Final = "https://app.example.com"
Pair = tuple[str, str]
"""A private and a public key, in PEM."""


def pair(alg: str) -> Pair:
    """A key pair for this algorithm."""
    key: Any = {
        "RS256": lambda: rsa.generate_private_key(65537, 2048),
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
    }[alg]()
    return private_pem(key), public_pem(key)


def private_pem(key: Any) -> str:
    """A private key in PEM."""
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def public_pem(key: Any) -> str:
    """Its public key in PEM."""
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def jwk(public: str, alg: str, **members: Any) -> dict[str, Any]:
    """A public key in the form of RFC 7517."""
    algorithm: Any = jwt.get_algorithm_by_name(alg)
    found: dict[str, Any] = json.loads(algorithm.to_jwk(algorithm.prepare_key(public)))
    return found | members


def claims(now: datetime, **changes: Any) -> dict[str, Any]:
    """What a good token says, five minutes long; None takes a claim away."""
    stated = {
        "sub": "user-1",
        "email": "ana@example.com",
        "name": "Ana Silva",
        "aud": "heliodesk",
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(minutes=5)).timestamp()),
    } | changes
    return {name: value for name, value in stated.items() if value is not None}


def token(
    stated: dict[str, Any], *, alg: str = "HS256", key: str = SECRET, kid: str | None = "k1", **header: Any
) -> str:
    """A signed identity token."""
    return jwt.encode(stated, key, algorithm=alg, headers=({"kid": kid} if kid else {}) | header)

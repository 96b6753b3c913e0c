"""Signs requests with HTTP Message Signatures (RFC 9421), in the profile that docs/signing.md describes."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

#: The headers that a signature must cover when a request carries them, besides content-digest.
SIGNED_HEADERS = ("x-user-id", "x-room-id", "idempotency-key")

_LABEL = "sig1"
_NONCE = re.compile(r"[A-Za-z0-9_+/=-]{22,128}")
_KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# RFC 9421, section 2.5: nothing else may be in a signature base; a line break would pass for another line of it.
_PRINTABLE = re.compile(r"[\t\x20-\x7e]*")


class SigningKey(Protocol):
    """An API key, as the caller has it: what hmac_key and ed25519_key return."""

    @property
    def key_id(self) -> str: ...

    @property
    def algorithm(self) -> str: ...

    def sign(self, base: bytes) -> bytes:
        """The signature of a signature base (RFC 9421, sections 3.3.3 and 3.3.6)."""
        ...


@dataclass(frozen=True)
class HmacKey:
    """A key with a secret that ppuri knows too."""

    key_id: str
    secret: bytes = field(repr=False)
    algorithm: str = field(default="hmac-sha256", init=False)

    def sign(self, base: bytes) -> bytes:
        return hmac.digest(self.secret, base, "sha256")


class _Ed25519Private(Protocol):
    def sign(self, data: bytes, /) -> bytes: ...


@dataclass(frozen=True)
class Ed25519Key:
    """A key of which ppuri has only the public half."""

    key_id: str
    private_key: _Ed25519Private = field(repr=False)
    algorithm: str = field(default="ed25519", init=False)

    def sign(self, base: bytes) -> bytes:
        return self.private_key.sign(base)


def hmac_key(key_id: str, secret: str) -> HmacKey:
    """The key of an id and a secret, as `npm run keys` and dev.json show them."""
    return HmacKey(key_id, secret.encode())


def ed25519_key(key_id: str, pem: str | bytes) -> Ed25519Key:
    """The key of an id and a private key in PEM (PKCS #8). Needs the package cryptography: `pip install ppuri[ed25519]`."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    private_key = load_pem_private_key(pem.encode() if isinstance(pem, str) else pem, password=None)
    if not isinstance(private_key, Ed25519PrivateKey):
        raise TypeError("the private key is not one of Ed25519")
    return Ed25519Key(key_id, private_key)


def new_nonce() -> str:
    """A new nonce: 128 random bits in 22 characters."""
    return secrets.token_urlsafe(16)


def sign_request(
    *,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    key: SigningKey,
    created: int,
    nonce: str,
) -> dict[str, str]:
    """Signs a request (RFC 9421, section 3.1) and returns the headers to add to it.

    `path` and `query` are those on the wire, percent-encoded, the query with its question mark or empty; `created` is
    in whole seconds since 1970. Raises ValueError when the request cannot be signed: a value that is not printable
    ASCII, or a path, query, nonce, key id or time of the wrong form.
    """
    if not path.startswith("/"):
        raise ValueError("a path starts with /")
    if query and not query.startswith("?"):
        raise ValueError("a query starts with ?")
    if not _NONCE.fullmatch(nonce):
        raise ValueError("a nonce has 22 to 128 letters, digits and -_+/=")
    if not _KEY_ID.fullmatch(key.key_id):
        raise ValueError("a key id has 1 to 64 letters, digits and ._-")
    if created < 0:
        raise ValueError("created is in whole seconds since 1970")
    digest = {"content-digest": content_digest(body)} if body else {}
    # RFC 9421, section 2.2.7: an absent query is the question mark alone.
    components = {"@method": method, "@path": path, "@query": query or "?", **digest}
    components.update((name, headers[name]) for name in SIGNED_HEADERS if name in headers)
    names = " ".join(f'"{name}"' for name in components)
    # Neither a nonce, nor a key id, nor the name of an algorithm has a character that RFC 9651 requires to be escaped.
    params = f'({names});created={created};nonce="{nonce}";keyid="{key.key_id}";alg="{key.algorithm}"'
    signature = _base64(key.sign(_signature_base(components, params)))
    return {**digest, "signature-input": f"{_LABEL}={params}", "signature": f"{_LABEL}=:{signature}:"}


def content_digest(body: bytes) -> str:
    """Content-Digest of a body (RFC 9530, section 2)."""
    return f"sha-256=:{_base64(hashlib.sha256(body).digest())}:"


def _signature_base(components: Mapping[str, str], params: str) -> bytes:
    """The signature base (RFC 9421, section 2.5): a line for each component, then the signature's own parameters."""
    if not all(_PRINTABLE.fullmatch(value) for value in components.values()):
        raise ValueError("only printable ASCII can be signed")
    # Section 2.1: a header's value is covered without the whitespace around it.
    lines = [f'"{name}": {value.strip()}' for name, value in components.items()]
    return "\n".join([*lines, f'"@signature-params": {params}']).encode("latin-1")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()

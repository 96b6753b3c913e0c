"""Verifies what a webhook receives, after the Standard Webhooks specification: who sent it, and that it is not an old one."""

import base64
import binascii
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_TOLERANCE_SECONDS = 5 * 60
#: A rotation has four signatures.
_MOST_SIGNATURES = 32
_SECRET = re.compile(r"whsec_([A-Za-z0-9+/]{32,88}={0,2})")
_PUBLIC_KEY = re.compile(r"whpk_([A-Za-z0-9+/]{43}=)")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")

_Check = tuple[str, Callable[[bytes, bytes], bool]]


class WebhookVerificationError(Exception):
    """What was not sent by ppuri, or not just now. Answer with a status of 4xx, and do nothing else."""


def verify_webhook(
    headers: Mapping[str, str],
    body: bytes | str,
    keys: str | Sequence[str],
    *,
    tolerance_seconds: float = _TOLERANCE_SECONDS,
    now: float | None = None,
) -> dict[str, Any]:
    """The event of a request to a webhook: CloudEvents 1.0, with the same `id` however often it is sent.

    Raises a WebhookVerificationError where a header is missing or malformed, where the timestamp is more than 5 minutes
    old or ahead, and where no signature is right. `body` is the body as it was received. `keys` is the secret `whsec_…`
    or the public key `whpk_…` of the webhook, several while one is being replaced; it is enough that one signature is
    right for one of them. A public key needs the package cryptography: `pip install ppuri[ed25519]`.
    """
    payload = body.encode() if isinstance(body, str) else body
    checks = [_check_of(key) for key in ([keys] if isinstance(keys, str) else keys)]
    lower = {name.lower(): value for name, value in headers.items()}
    message_id = _header(lower, "webhook-id")
    timestamp = _header(lower, "webhook-timestamp")
    signatures = _header(lower, "webhook-signature").split(" ")[:_MOST_SIGNATURES]
    if _TIMESTAMP.fullmatch(timestamp) is None:
        raise WebhookVerificationError("webhook-timestamp is malformed")
    if abs((time.time() if now is None else now) - int(timestamp)) > tolerance_seconds:
        raise WebhookVerificationError("webhook-timestamp is too old or ahead")
    content = f"{message_id}.{timestamp}.".encode() + payload
    # All are checked, so that the time does not say which one was right.
    if True not in [_is_right(checks, signature, content) for signature in signatures]:
        raise WebhookVerificationError("no signature is right")
    try:
        event = json.loads(payload)
    except ValueError:
        event = None
    if not isinstance(event, dict) or "id" not in event:
        raise WebhookVerificationError("the body is no event")
    return event


def _is_right(checks: Sequence[_Check], signature: str, content: bytes) -> bool:
    scheme, _, encoded = signature.partition(",")
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True in [check(decoded, content) for name, check in checks if name == scheme]


def _check_of(key: str) -> _Check:
    if secret := _SECRET.fullmatch(key):
        hmac_key = base64.b64decode(secret[1])
        return "v1", lambda signature, content: hmac.compare_digest(signature, hmac.digest(hmac_key, content, "sha256"))
    if encoded := _PUBLIC_KEY.fullmatch(key):
        return "v1a", _ed25519_check(base64.b64decode(encoded[1]))
    # The caller's own mistake, and not one of the request.
    raise ValueError("a key of a webhook begins with whsec_ or whpk_")


def _ed25519_check(raw: bytes) -> Callable[[bytes, bytes], bool]:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    public_key = Ed25519PublicKey.from_public_bytes(raw)

    def is_right(signature: bytes, content: bytes) -> bool:
        try:
            public_key.verify(signature, content)
        except InvalidSignature:
            return False
        return True

    return is_right


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if value == "":
        raise WebhookVerificationError(f"{name} is missing")
    return value

# What schemathesis needs to know of ppuri: how calls are signed (docs/signing.md), and who and what exists.
import base64
import hashlib
import hmac
import itertools
import json
import os
import re
import secrets
import time
import zlib

import requests
import schemathesis

SIGNED = ("x-user-id", "x-room-id", "idempotency-key")
UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
PRINTABLE = re.compile(r"[\t\x20-\x7e]*")

# Names of fields and headers, and what exists under them: {"x-user-id": ["1001"]}.
EXISTING = json.loads(os.environ["EXISTING"])
CALLS = itertools.count()


class Signature(requests.auth.AuthBase):
    """Signs a request as it is about to be sent, whatever it is."""

    def __call__(self, request):
        # A content-digest that was made up would only ever say that it is wrong.
        request.headers.pop("content-digest", None)
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        if body:
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            request.headers["content-digest"] = f"sha-256=:{digest}:"
        path, _, query = request.path_url.partition("?")
        covered = {"@method": request.method, "@path": path, "@query": f"?{query}"}
        for name in ("content-digest", *SIGNED):
            value = request.headers.get(name)
            if value is not None:
                text = value.decode("latin-1") if isinstance(value, bytes) else value
                covered[name] = text.strip(" \t")
        # Nothing else can be signed; such a request goes out as it is and has to be refused.
        if all(PRINTABLE.fullmatch(value) for value in covered.values()):
            names = " ".join(f'"{name}"' for name in covered)
            params = f'({names});created={int(time.time())};nonce="{secrets.token_hex(16)}";keyid="{os.environ["KEY_ID"]}";alg="hmac-sha256"'
            lines = [f'"{name}": {value}' for name, value in covered.items()]
            base = "\n".join([*lines, f'"@signature-params": {params}'])
            seal = hmac.digest(os.environ["SECRET"].encode(), base.encode(), "sha256")
            request.headers["signature-input"] = f"sig1={params}"
            request.headers["signature"] = f"sig1=:{base64.b64encode(seal).decode()}:"
        return request


schemathesis.auth.set_from_requests(Signature())


def aimed(name, value):
    """Something that exists in the place of most well-formed values: random ids alone would meet nothing but 404."""
    known = EXISTING.get(name)
    text = str(value)
    if not known or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
        return value
    random = zlib.crc32(text.encode())
    if random % 5 == 0 or (name.endswith("user_id") and not text.isdigit()):
        return value
    return known[random % len(known)]


def aim(name, value):
    """The same for all that is in a value."""
    if isinstance(value, dict):
        return {inner: aim(inner, part) for inner, part in value.items()}
    if isinstance(value, list):
        return [aim(name, part) for part in value]
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return aimed(name, value)
    return value


@schemathesis.hook
def before_call(context, case, kwargs):
    for part in ("path_parameters", "query", "body"):
        value = getattr(case, part)
        if isinstance(value, dict):
            value.update(aim(part, value))
    # What has ended says so and the stream is over; a draft of an earlier answer would be watched for ten minutes.
    watched = (case.path_parameters or {}).get("payout_id")
    if case.operation.path.endswith("/watch") and UUID.fullmatch(str(watched)):
        case.path_parameters["payout_id"] = EXISTING["ended_payout_id"][0]
    for name, value in list((case.headers or {}).items()):
        case.headers[name] = aim(name.lower(), value)
    # Users change nobody but themselves, so mostly the one who acts is the one who is changed.
    acting = (case.headers or {}).get("x-user-id")
    if case.operation.method.upper() == "PATCH" and acting and "user_id" in (case.path_parameters or {}):
        case.path_parameters["user_id"] = acting if next(CALLS) % 4 else case.path_parameters["user_id"]
    # Most keys would be the same few, and most answers that they have been used.
    key, call = (case.headers or {}).get("idempotency-key"), next(CALLS)
    if call % 5 and re.fullmatch(r"[!-~]{1,100}", str(key or "")):
        case.headers["idempotency-key"] = f"{key}.{call}"


@schemathesis.check
def documented_status(ctx, response, case):
    """That there is a default for what nobody thought of is no excuse: every status that comes is one of those listed."""
    listed = case.operation.definition.raw["responses"]
    assert str(response.status_code) in listed, f"{response.status_code} is not documented: {response.text}"

"""The headers of a call, over gRPC and REST alike: who it acts for, and its signature."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from .signature import SigningKey, new_nonce, sign_request


@dataclass(frozen=True)
class Identity:
    """Who a call acts for and what for."""

    #: The acting user, a whole number from 1 to 2^63 - 1.
    user_id: int | str | None = None
    #: The room in which a sprinkle of wallet.v1 happens.
    room_id: str | None = None
    #: Names one intent to move money: the same for every retry of it.
    idempotency_key: str | None = None


def headers_of(identity: Identity) -> dict[str, str]:
    """The headers, over gRPC the metadata, that say who a call acts for."""
    headers = {
        "x-user-id": identity.user_id,
        "x-room-id": identity.room_id,
        "idempotency-key": identity.idempotency_key,
    }
    return {name: str(value) for name, value in headers.items() if value is not None}


def signed_headers(
    method: str,
    target: str,
    body: bytes,
    identity: Identity,
    key: SigningKey | None,
    clock: Callable[[], float] = time.time,
) -> dict[str, str]:
    """All headers of a call: who it acts for and, with a key, its signature.

    `method` is in upper case, over gRPC always POST; `target` is the path with its query as on the wire, over gRPC
    `/package.Service/Method`; `body` is the bytes that are sent, over gRPC the serialized message. Each attempt needs
    new headers, because a nonce is accepted once. Raises ValueError when the request cannot be signed.
    """
    headers = headers_of(identity)
    if key is None:
        return headers
    path, mark, query = target.partition("?")
    signature = sign_request(
        method=method,
        path=path,
        query=mark + query,
        headers=headers,
        body=body,
        key=key,
        created=int(clock()),
        nonce=new_nonce(),
    )
    return {**headers, **signature}

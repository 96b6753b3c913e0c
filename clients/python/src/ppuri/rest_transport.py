"""Calls over REST, by the routes of the contracts."""

import json
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import httpx
from google.protobuf.json_format import Parse, ParseError

from ._pool import POOL
from .errors import PpuriError, details_in_json, error_of
from .headers import Identity, signed_headers
from .rpc import Request, Response, Stream, Unary, rest_request
from .signature import SigningKey

#: google.rpc.Code, in the order of its numbers.
_STATUSES = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"),
    *("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED"),
    *("INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"),
)
#: What an HTTP status means where the body is not ppuri's (gRPC: HTTP to gRPC Status Code Mapping); 400 is final.
_BY_HTTP: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "UNIMPLEMENTED",
    429: "UNAVAILABLE",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "UNAVAILABLE",
}
#: A stream without a change carries a line every 30 s; longer silence means that the connection is dead.
_SILENCE = 90.0


class RestTransport:
    """A client of HTTP for the edge. httpx makes no request again by itself."""

    def __init__(
        self,
        url: str,
        key: SigningKey | None,
        client: httpx.Client | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        base = httpx.URL(url)
        if base.scheme not in ("http", "https") or not base.host or base.query or base.fragment or base.userinfo:
            raise ValueError(f"a URL is http:// or https://, a host and perhaps a path, not {url}")
        self._url = url.rstrip("/")
        self._path = base.raw_path.decode().rstrip("/")
        self._key = key
        self._client = client or httpx.Client()
        self._clock = clock

    def unary(self, rpc: Unary[Request, Response], request: Request, identity: Identity, timeout: float) -> Response:
        made = self._signed(rpc, request, identity, httpx.Timeout(timeout))
        try:
            answer = self._client.send(made)
        except httpx.TransportError as error:
            raise _broken(error) from error
        if answer.status_code != 200:
            raise _error_of(answer)
        return _parse(answer.content, rpc, answer)

    def stream(
        self, rpc: Stream[Request, Response], request: Request, identity: Identity, timeout: float | None
    ) -> Generator[Response, None, None]:
        deadline = None if timeout is None else time.monotonic() + timeout
        silence = _SILENCE if timeout is None else min(_SILENCE, timeout)
        made = self._signed(rpc, request, identity, httpx.Timeout(silence))
        try:
            answer = self._client.send(made, stream=True)
        except httpx.TransportError as error:
            raise _broken(error) from error
        try:
            if answer.status_code != 200:
                answer.read()
                raise _error_of(answer)
            for message in _messages(rpc, answer):
                yield message
                if deadline is not None and time.monotonic() > deadline:
                    raise error_of("DEADLINE_EXCEEDED", "the call took longer than its deadline")
        except httpx.TransportError as error:
            raise _broken(error) from error
        finally:
            answer.close()

    def close(self) -> None:
        self._client.close()

    def _signed(
        self,
        rpc: Unary[Request, Response] | Stream[Request, Response],
        request: Request,
        identity: Identity,
        timeout: httpx.Timeout,
    ) -> httpx.Request:
        rest = rest_request(rpc, request)
        body = b"" if rest.body is None else json.dumps(rest.body).encode()
        made = self._client.build_request(
            rest.verb,
            self._url + rest.target,
            content=body or None,
            headers={"content-type": "application/json"} if body else None,
            timeout=timeout,
        )
        # What is signed is what httpx puts on the wire, without the path of the URL, which the proxy there removes.
        target = made.url.raw_path.decode()[len(self._path) :]
        made.headers.update(signed_headers(rest.verb, target, body, identity, self._key, self._clock))
        return made


def _messages(rpc: Stream[Request, Response], answer: httpx.Response) -> Iterator[Response]:
    """The messages of a stream: one a line, or the pieces of a file as they come."""
    if rpc.is_file:
        kind = answer.headers.get("content-type", "")
        make: Any = rpc.response
        return (make(content_type=kind, data=piece) for piece in answer.iter_bytes())
    return (_parse(line, rpc, answer) for line in answer.iter_lines())


def _parse(
    text: str | bytes, rpc: Unary[Request, Response] | Stream[Request, Response], answer: httpx.Response
) -> Response:
    try:
        return Parse(text, rpc.response(), ignore_unknown_fields=True, descriptor_pool=POOL)
    except ParseError as error:
        if "json" in answer.headers.get("content-type", ""):
            raise error_of("UNKNOWN", f"the answer is none of {rpc.name}") from error
        raise _foreign(answer) from error


def _foreign(answer: httpx.Response, retry_after: float | None = None) -> PpuriError:
    """The error of an answer that is not ppuri's. Nothing but a proxy's own trouble passes, so that alone is retried."""
    kind = answer.headers.get("content-type", "no content-type")
    text = f"HTTP {answer.status_code} with {kind}, which is not an answer of ppuri; is the address right?"
    status = _BY_HTTP.get(answer.status_code, "UNIMPLEMENTED")
    return error_of(status, text, request_id=answer.headers.get("x-request-id", ""), retry_after=retry_after)


def _broken(error: httpx.TransportError) -> PpuriError:
    status = "DEADLINE_EXCEEDED" if isinstance(error, httpx.TimeoutException) else "UNAVAILABLE"
    return error_of(status, f"{type(error).__name__}: {error}")


def _error_of(answer: httpx.Response) -> PpuriError:
    request_id = answer.headers.get("x-request-id", "")
    body = _json_object(answer)
    code, details = body.get("code"), body.get("details")
    wait = answer.headers.get("retry-after", "")
    retry_after = float(wait) if wait.isdecimal() else None
    if not isinstance(code, int) or not 0 < code < len(_STATUSES) or not isinstance(details, list):
        return _foreign(answer, retry_after)
    return error_of(
        _STATUSES[code],
        str(body.get("message", "")),
        details_in_json([detail for detail in details if isinstance(detail, dict)]),
        request_id=request_id,
        retry_after=retry_after,
    )


def _json_object(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}

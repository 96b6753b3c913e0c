"""Connections: calls, pages and streams over gRPC or REST, signed and made again where that is safe."""

import math
import re
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import count
from types import TracebackType
from typing import Any, TypeVar, cast, overload

import grpc
import httpx
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import Message

from ._gen import v1, v2
from ._pool import POOL
from .errors import PpuriError, error_of
from .grpc_transport import GrpcTransport
from .headers import Identity
from .rest_transport import RestTransport
from .retry import RetryBudget, RetryPolicy, next_pause, with_retries
from .rpc import Item, Paged, Request, Response, Stream, Unary
from .signature import SigningKey
from .transport import Transport

Json = dict[str, Any]
Self = TypeVar("Self", bound="Connection")  # typing.Self is of Python 3.11.
Rpc = TypeVar("Rpc", Unary[Any, Any], Paged[Any, Any, Any], Stream[Any, Any])

#: How long a call may take with all its attempts, in seconds.
DEFAULT_TIMEOUT = 30.0
_DEFAULT_RETRY = RetryPolicy()

_RPCS: Mapping[str, object] = {
    rpc.name: rpc
    for version in (v1, v2)
    for service in vars(version).values()
    if isinstance(service, type)
    for rpc in vars(service).values()
    if isinstance(rpc, (Unary, Stream))
}

#: By the name of a stream: whether a message is its last one. A stream that ends before it was cut off.
_IS_LAST: Mapping[str, Callable[[Any], bool]] = {
    v2.PayoutService.WatchPayout.name: lambda message: (
        message.payout.state in (v2.PAYOUT_STATE_DONE, v2.PAYOUT_STATE_CANCELLED)
    ),
    v2.SprinkleService.WatchSprinkle.name: lambda message: message.sprinkle.state != v2.SPRINKLE_STATE_LIVE,
    v2.WalletService.WatchWallet.name: lambda message: message.snapshot.state == v2.WALLET_STATE_CLOSED,
}


#: The last line of a statement, as CSV and as NDJSON, and more bytes than it can have.
_CLOSING = re.compile(rb'(?:\A|\n)(?:CLOSING,|{"type":"CLOSING")[^\n]*\n\Z')
_LONGEST_LINE = 4096


class Connection:
    """Makes calls. Threads may share one.

    Every method takes an RPC and a request: `v2.WalletService.ListWallets` and its message, or the RPC's full name
    and the request in ProtoJSON with names in snake_case, and answers in kind. It raises PpuriError when the answer is
    not OK, TypeError when there is no such RPC or the request is none of it, and ValueError when a header cannot be
    signed. `user_id` is the acting user; `timeout` is in seconds and covers all attempts.
    """

    def __init__(
        self, transport: Transport, retry: RetryPolicy, budget: RetryBudget, timeout: float = DEFAULT_TIMEOUT
    ) -> None:
        self._transport = transport
        self._retry = retry
        self._budget = budget
        self._timeout = timeout

    @overload
    def call(
        self,
        rpc: Unary[Request, Response],
        request: Request,
        *,
        user_id: int | str | None = None,
        room_id: str | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Response: ...

    @overload
    def call(
        self,
        rpc: str,
        request: Mapping[str, Any],
        *,
        user_id: int | str | None = None,
        room_id: str | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Json: ...

    def call(
        self,
        rpc: Any,
        request: Any,
        *,
        user_id: int | str | None = None,
        room_id: str | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Any:
        """Makes a call. Every attempt of it has the same idempotency key, one that the client makes unless one is given."""
        known, message = _read(rpc, request, Unary)
        key = idempotency_key or (str(uuid.uuid4()) if known.takes_key else None)
        identity = Identity(user_id, room_id, key)
        try:
            answer = with_retries(
                lambda seconds: self._transport.unary(known, message, identity, seconds),
                policy=retry or self._retry,
                budget=self._budget,
                timeout=self._timeout if timeout is None else timeout,
                is_repeatable=known.is_repeatable,
            )
        except PpuriError as error:
            error.idempotency_key = key
            raise
        return _in_kind(rpc, answer)

    @overload
    def pages(
        self,
        rpc: Paged[Request, Response, Item],
        request: Request,
        *,
        user_id: int | str | None = None,
        room_id: str | None = None,
        timeout: float | None = None,
    ) -> Iterator[Response]: ...

    @overload
    def pages(
        self,
        rpc: str,
        request: Mapping[str, Any],
        *,
        user_id: int | str | None = None,
        room_id: str | None = None,
        timeout: float | None = None,
    ) -> Iterator[Json]: ...

    def pages(
        self,
        rpc: Any,
        request: Any,
        *,
        user_id: int | str | None = None,
        room_id: str | None = None,
        timeout: float | None = None,
    ) -> Iterator[Any]:
        """The pages of a list, from the one that the request asks for to the last. `timeout` is that of one page."""
        known, message = _read(rpc, request, Paged)
        following = type(message)()
        following.CopyFrom(message)
        while True:
            page = self.call(known, following, user_id=user_id, room_id=room_id, timeout=timeout)
            yield _in_kind(rpc, page)
            if not page.next_page_token:
                return
            following.page_token = page.next_page_token

    def items(
        self,
        rpc: Paged[Request, Response, Item],
        request: Request,
        *,
        user_id: int | str | None = None,
        room_id: str | None = None,
        timeout: float | None = None,
    ) -> Iterator[Item]:
        """The elements of all pages of a list, each page read when it is needed."""
        for page in self.pages(rpc, request, user_id=user_id, room_id=room_id, timeout=timeout):
            yield from getattr(page, rpc.items)

    @overload
    def stream(
        self,
        rpc: Stream[Request, Response],
        request: Request,
        *,
        user_id: int | str | None = None,
        timeout: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[Response]: ...

    @overload
    def stream(
        self,
        rpc: str,
        request: Mapping[str, Any],
        *,
        user_id: int | str | None = None,
        timeout: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[Json]: ...

    def stream(
        self,
        rpc: Any,
        request: Any,
        *,
        user_id: int | str | None = None,
        timeout: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[Any]:
        """The messages of a stream, to the last one. A stream that breaks off is opened again.

        One with cursors, `v2.WalletService.WatchWallet`, goes on behind the cursor of the last message, so that each
        comes once and none is missed; one that shows a state, such as WatchPayout, goes on with the state at that time.
        Leaving the loop cancels the call. Without a `timeout` it lasts as long as the stream does, and is given up when
        nothing comes for as long as a call of this connection may take.
        """
        known, message = _read(rpc, request, Stream)
        identity, policy = Identity(user_id), retry or self._retry
        made = self._file if known.is_file else self._resumed
        with closing(made(known, message, identity, timeout, policy)) as answers:
            for answer in answers:
                yield _in_kind(rpc, answer)

    def statement(
        self,
        request: v2.ExportStatementRequest | Mapping[str, Any],
        *,
        user_id: int | str,
        timeout: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Iterator[bytes]:
        """The statement of a wallet as the bytes of a file, CSV or NDJSON, in pieces.

        It raises PpuriError when the file breaks off or ends before its last line: then it has to be begun again.
        Reading slowly slows the server down. Leaving the loop cancels the call.
        """
        rpc = v2.WalletService.ExportStatement
        message = _read(rpc.name, request, Stream)[1] if isinstance(request, Mapping) else request
        for piece in self.stream(rpc, message, user_id=user_id, timeout=timeout, retry=retry):
            yield piece.data

    def _file(
        self,
        rpc: Stream[Request, Response],
        request: Request,
        identity: Identity,
        timeout: float | None,
        policy: RetryPolicy,
    ) -> Generator[Response, None, None]:
        """The pieces of a file. One that is begun again would be there twice, so only its beginning is tried again."""
        until = time.monotonic() + (self._timeout if timeout is None else timeout)
        for attempt in count(1):
            end = b""
            try:
                with closing(self._transport.stream(rpc, request, identity, timeout)) as pieces:
                    for piece in pieces:
                        file: Any = piece
                        end = (end + file.data)[-_LONGEST_LINE:]
                        yield piece
                if not _CLOSING.search(end):
                    raise error_of("UNAVAILABLE", "the file was cut off before its last line")
                self._budget.succeeded()
                return
            except PpuriError as error:
                error.attempts = attempt
                pause = None if end else next_pause(attempt, error, policy, self._budget, until)
                if pause is None:
                    raise
                time.sleep(pause)

    def _resumed(
        self,
        rpc: Stream[Request, Response],
        request: Request,
        identity: Identity,
        timeout: float | None,
        policy: RetryPolicy,
    ) -> Generator[Response, None, None]:
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        is_last = _IS_LAST.get(rpc.name) or (_goes_on if rpc.has_cursor else None)
        last: Response | None = None
        broken = 0
        outage_end = math.inf
        while True:
            left = None if timeout is None else max(0.001, deadline - time.monotonic())
            following = _behind(request, last) if rpc.has_cursor and last is not None else request
            try:
                with closing(self._transport.stream(rpc, following, identity, left)) as answers:
                    for answer in answers:
                        if broken or last is None:
                            self._budget.succeeded()
                        broken = 0
                        # A stream that is opened again begins with the state that it had, and one without a change
                        # repeats it every half a minute.
                        if answer == last:
                            continue
                        last = answer
                        yield answer
                        if is_last and is_last(answer):
                            return
                if not is_last:
                    return
                error = error_of("UNAVAILABLE", "the stream was cut off")
            except PpuriError as raised:
                error = raised
            if broken == 0:
                outage_end = time.monotonic() + self._timeout
            broken += 1
            error.attempts = broken
            pause = next_pause(broken, error, policy, self._budget, min(outage_end, deadline))
            if pause is None:
                raise error
            time.sleep(pause)

    def close(self) -> None:
        """Ends the connection and the calls over it."""
        self._transport.close()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def connect(
    address: str,
    key: SigningKey | None = None,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    options: Sequence[tuple[str, object]] = (),
    timeout: float = DEFAULT_TIMEOUT,
    retry: RetryPolicy = _DEFAULT_RETRY,
    budget: RetryBudget | None = None,
    clock: Callable[[], float] = time.time,
) -> Connection:
    """Opens a connection over gRPC to `host:port`, which connects with the first call. Calls are signed if a key is given.

    Without credentials it is not encrypted; `grpc.ssl_channel_credentials()` uses TLS. `options` are channel options of
    gRPC, and `clock` says the time of a signature, in seconds since 1970.
    """
    transport = GrpcTransport(address, key, credentials, options, clock)
    return Connection(transport, retry, budget or RetryBudget(), timeout)


def connect_rest(
    url: str,
    key: SigningKey | None = None,
    *,
    client: httpx.Client | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    retry: RetryPolicy = _DEFAULT_RETRY,
    budget: RetryBudget | None = None,
    clock: Callable[[], float] = time.time,
) -> Connection:
    """The same over REST, to the URL of the edge. `client` brings settings of httpx, such as proxies and certificates."""
    return Connection(RestTransport(url, key, client, clock), retry, budget or RetryBudget(), timeout)


def _read(rpc: Any, request: Any, kind: type[Rpc]) -> tuple[Rpc, Any]:
    """The RPC and its message, of an RPC or of its name and JSON."""
    known = _RPCS.get(rpc) if isinstance(rpc, str) else rpc
    if not isinstance(known, kind):
        raise TypeError(f"there is no {kind.__name__} RPC {rpc}")
    if not isinstance(request, Mapping):
        if not isinstance(request, known.request):
            raise TypeError(f"the request of {known.name} is a {known.request.DESCRIPTOR.full_name}")
        return known, request
    try:
        return known, ParseDict(dict(request), known.request(), descriptor_pool=POOL)
    except ParseError as error:
        raise TypeError(f"the request does not fit {known.request.DESCRIPTOR.full_name}: {error}") from error


def _behind(request: Request, last: Any) -> Request:
    """The request for a stream that goes on behind a message."""
    following: Any = type(request)()
    following.CopyFrom(request)
    following.after_cursor = last.cursor
    return cast(Request, following)


def _goes_on(_message: object) -> bool:
    """No message of a stream with cursors is known to be its last."""
    return False


def _in_kind(rpc: Any, answer: Message) -> Any:
    """The answer as its RPC was given: a message, or JSON."""
    if not isinstance(rpc, str):
        return answer
    return MessageToDict(
        answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True, descriptor_pool=POOL
    )

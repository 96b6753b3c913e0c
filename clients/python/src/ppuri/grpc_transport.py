"""Calls over gRPC."""

import time
from collections.abc import Callable, Generator, Sequence
from typing import Any

import grpc

from .errors import PpuriError, details_in, error_of
from .headers import Identity, signed_headers
from .rpc import Request, Response, Stream, Unary
from .signature import SigningKey

_OPTIONS: Sequence[tuple[str, int]] = (
    # gRPC would send the same bytes again, whose nonce is used up.
    ("grpc.enable_retries", 0),
    # By default gRPC waits up to two minutes before it connects to a server again.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # A stream without a change carries nothing for half a minute; longer silence means that the connection is dead.
    ("grpc.keepalive_time_ms", 60_000),
)


class GrpcTransport:
    """A channel to a server or an edge."""

    def __init__(
        self,
        address: str,
        key: SigningKey | None,
        credentials: grpc.ChannelCredentials | None,
        options: Sequence[tuple[str, object]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        merged: list[tuple[str, Any]] = [*_OPTIONS, *options]
        self._channel = (
            grpc.secure_channel(address, credentials, merged) if credentials else grpc.insecure_channel(address, merged)
        )
        self._key = key
        self._clock = clock

    def unary(self, rpc: Unary[Request, Response], request: Request, identity: Identity, timeout: float) -> Response:
        body, metadata = self._signed(rpc.path, request, identity)
        send: Any = self._channel.unary_unary(rpc.path, response_deserializer=rpc.response.FromString)
        try:
            answer: Response = send(body, timeout=timeout, metadata=metadata)
        except grpc.RpcError as error:
            raise _error_of(error) from error
        return answer

    def stream(
        self, rpc: Stream[Request, Response], request: Request, identity: Identity, timeout: float | None
    ) -> Generator[Response, None, None]:
        body, metadata = self._signed(rpc.path, request, identity)
        send: Any = self._channel.unary_stream(rpc.path, response_deserializer=rpc.response.FromString)
        answers = send(body, timeout=timeout, metadata=metadata)
        try:
            yield from answers
        except grpc.RpcError as error:
            raise _error_of(error) from error
        finally:
            answers.cancel()

    def close(self) -> None:
        self._channel.close()

    def _signed(self, path: str, request: Request, identity: Identity) -> tuple[bytes, list[tuple[str, str]]]:
        body = request.SerializeToString()
        return body, list(signed_headers("POST", path, body, identity, self._key, self._clock).items())


def _error_of(error: Any) -> PpuriError:
    """The error of a call; grpc.RpcError of a call is a grpc.Call, too, but no type says so."""
    metadata = {name: value for name, value in [*(error.initial_metadata() or ()), *(error.trailing_metadata() or ())]}
    status = metadata.get("grpc-status-details-bin")
    return error_of(
        error.code().name,
        error.details() or "",
        details_in(status) if isinstance(status, bytes) else (),
        request_id=str(metadata.get("x-request-id", "")),
    )

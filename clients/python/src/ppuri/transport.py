"""What carries calls: gRPC or REST, each call signed and made once."""

from collections.abc import Generator
from typing import Protocol

from .headers import Identity
from .rpc import Request, Response, Stream, Unary


class Transport(Protocol):
    """Makes one attempt at a call. Raises PpuriError when it is not answered with OK."""

    def unary(
        self, rpc: Unary[Request, Response], request: Request, identity: Identity, timeout: float
    ) -> Response: ...

    def stream(
        self, rpc: Stream[Request, Response], request: Request, identity: Identity, timeout: float | None
    ) -> Generator[Response, None, None]:
        """The messages of a stream. Closing the generator cancels the call."""
        ...

    def close(self) -> None: ...

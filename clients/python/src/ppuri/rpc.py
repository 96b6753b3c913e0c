"""The RPCs as values: `v2.TransferService.CreateTransfer` says what a call of it sends, gets and requires."""

import re
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from ._pool import POOL

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)
Item = TypeVar("Item", bound=Message)

#: Longer URLs go into a body where the RPC has a route for it: proxies commonly take 8 KiB of a request line.
_MAX_TARGET = 8000
_IN_PATH = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class Route:
    """Where an RPC is over REST (google.api.http). Fields of the request are in braces in the path."""

    verb: str
    path: str
    has_body: bool = False


@dataclass(frozen=True)
class RestRequest:
    """What is sent over REST."""

    verb: str
    target: str
    body: dict[str, object] | None


@dataclass(frozen=True)
class _Rpc(Generic[Request, Response]):
    #: `wallet.v2.TransferService/CreateTransfer`.
    name: str
    request: type[Request]
    response: type[Response]
    routes: tuple[Route, ...]
    #: Whether a call carries an idempotency key.
    takes_key: bool = False
    #: Whether the same call may be sent again when it is not known what became of it.
    is_repeatable: bool = False

    @property
    def path(self) -> str:
        """The path over gRPC."""
        return f"/{self.name}"


@dataclass(frozen=True)
class Unary(_Rpc[Request, Response]):
    """An RPC with one answer."""


@dataclass(frozen=True)
class Paged(Unary[Request, Response], Generic[Request, Response, Item]):
    """An RPC that lists something page by page."""

    #: The field of the response with the elements of a page.
    items: str = ""


@dataclass(frozen=True)
class Stream(_Rpc[Request, Response]):
    """An RPC that answers with a stream."""

    @property
    def is_file(self) -> bool:
        """Whether the messages are pieces of one file (google.api.HttpBody)."""
        return self.response.DESCRIPTOR.full_name == "google.api.HttpBody"

    @property
    def has_cursor(self) -> bool:
        """Whether a stream goes on behind the cursor of its last message."""
        return (
            "after_cursor" in self.request.DESCRIPTOR.fields_by_name
            and "cursor" in self.response.DESCRIPTOR.fields_by_name
        )


def rest_request(rpc: _Rpc[Request, Response], request: Request) -> RestRequest:
    """The request over REST, by the first route that has room for it."""
    fields = MessageToDict(request, preserving_proto_field_name=True, descriptor_pool=POOL)
    # Many paths, for example those of outcomes, may not carry an escape: the edge refuses %2F.
    # A request by another field than that of the path leaves the latter empty.
    possible = [route for route in rpc.routes if all(fields.get(name) for name in _IN_PATH.findall(route.path))]
    requests = [_by(route, fields) for route in possible or rpc.routes]
    fitting = (
        made for made in requests if "%" not in made.target.partition("?")[0] and len(made.target) <= _MAX_TARGET
    )
    return next(fitting, requests[0])


def _by(route: Route, fields: dict[str, object]) -> RestRequest:
    rest = dict(fields)
    path = route.path
    for name in _IN_PATH.findall(path):
        value = str(rest.pop(name, ""))
        if value in ("", ".", ".."):
            raise ValueError(f"{name} is in the path and must not be '{value}'")
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    if route.has_body:
        return RestRequest(route.verb, path, rest)
    query = urlencode(
        [(name, _text(element)) for name, value in rest.items() for element in _list(value)], quote_via=quote
    )
    return RestRequest(route.verb, f"{path}?{query}" if query else path, None)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

"""What a call raises that was not answered with OK, with the details of google.rpc.Status that ppuri answers with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError

from ._pool import message

_Status = message("google.rpc.Status")
_ErrorInfo = message("google.rpc.ErrorInfo")
_BadRequest = message("google.rpc.BadRequest")
_RetryInfo = message("google.rpc.RetryInfo")
_DETAILS = {kind.DESCRIPTOR.full_name: kind for kind in (_ErrorInfo, _BadRequest, _RetryInfo)}


@dataclass(frozen=True)
class FieldViolation:
    """What is wrong with one field or header of a request."""

    field: str
    description: str


class PpuriError(Exception):
    """A call that was not answered with OK. Its subclasses are the codes ERR001 to ERR010."""

    def __init__(
        self,
        status: str,
        message: str,
        *,
        code: str = "",
        reason: str = "",
        violations: tuple[FieldViolation, ...] = (),
        retry_after: float | None = None,
        metadata: Mapping[str, str] | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        #: The name of the gRPC status, for example FAILED_PRECONDITION.
        self.status = status
        #: ERR001 to ERR010; empty when the answer did not come from ppuri, for example when nothing listens.
        self.code = code
        #: The reason, for example BALANCE_TOO_LOW; empty when `code` is.
        self.reason = reason
        self.violations = violations
        #: How long to wait before the next attempt, in seconds, when the answer says so.
        self.retry_after = retry_after
        #: What the answer names besides, such as the `run_id` of RECOVERY_RUN_UNDER_WAY (google.rpc.ErrorInfo).
        self.metadata: Mapping[str, str] = metadata or {}
        #: What to tell ops; empty when there was no answer.
        self.request_id = request_id
        #: The key of the call, also where the client made it: the same call under it is safe, and GetOutcome takes it.
        self.idempotency_key: str | None = None
        #: How many attempts the client made.
        self.attempts = 1

    def __str__(self) -> str:
        fields = "".join(f"; {violation.field}: {violation.description}" for violation in self.violations)
        return f"{self.reason or self.status}: {super().__str__()}{fields}"


class InvalidRequestError(PpuriError):
    """ERR001: a field or a header is wrong; the same call fails again."""


class UnauthenticatedError(PpuriError):
    """ERR002: the signature is missing or invalid, or the key is not active."""


class InternalError(PpuriError):
    """ERR003: a fault of ppuri's."""


class PermissionDeniedError(PpuriError):
    """ERR004: the key, or the acting user, may not do this."""


class NotFoundError(PpuriError):
    """ERR005: there is no such thing, or the acting user may not see it."""


class RefusedError(PpuriError):
    """ERR006: the state of things forbids it, for example a balance that is too low."""


class ConflictError(PpuriError):
    """ERR007: another call was in the way; the same call can be made again."""


class LimitedError(PpuriError):
    """ERR008: a limit was reached; `retry_after` says how long to wait."""


class UnavailableError(PpuriError):
    """ERR009, or no answer at all: a call that moves money may have been done."""


class DeadlineExceededError(PpuriError):
    """ERR010: the deadline passed, or the caller cancelled; a call that moves money may have been done."""


_BY_CODE: Mapping[str, type[PpuriError]] = {
    "ERR001": InvalidRequestError,
    "ERR002": UnauthenticatedError,
    "ERR003": InternalError,
    "ERR004": PermissionDeniedError,
    "ERR005": NotFoundError,
    "ERR006": RefusedError,
    "ERR007": ConflictError,
    "ERR008": LimitedError,
    "ERR009": UnavailableError,
    "ERR010": DeadlineExceededError,
}
# Answers that are not ppuri's have no code.
_BY_STATUS: Mapping[str, type[PpuriError]] = {
    "UNAVAILABLE": UnavailableError,
    "DEADLINE_EXCEEDED": DeadlineExceededError,
    "CANCELLED": DeadlineExceededError,
}


def error_of(
    status: str,
    text: str,
    details: Iterable[Any] = (),
    *,
    request_id: str = "",
    retry_after: float | None = None,
) -> PpuriError:
    """The error of a status and its details, messages of google.rpc. `retry_after` counts where RetryInfo is missing."""
    metadata: dict[str, str] = {}
    reason = ""
    violations: tuple[FieldViolation, ...] = ()
    for detail in details:
        if isinstance(detail, _ErrorInfo):
            reason, metadata = detail.reason, dict(detail.metadata)
        elif isinstance(detail, _BadRequest):
            violations = tuple(FieldViolation(found.field, found.description) for found in detail.field_violations)
        elif isinstance(detail, _RetryInfo):
            retry_after = detail.retry_delay.seconds + detail.retry_delay.nanos / 1e9
    code = metadata.pop("code", "")
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status, PpuriError)
    return kind(
        status,
        text,
        code=code,
        reason=reason,
        violations=violations,
        retry_after=retry_after,
        metadata=metadata,
        request_id=request_id,
    )


def details_in(status: bytes) -> list[Any]:
    """The details of a serialized google.rpc.Status, which gRPC carries in grpc-status-details-bin."""
    packed = _Status.FromString(status).details
    known = ((_DETAILS.get(any_message.TypeName()), any_message.value) for any_message in packed)
    return [kind.FromString(value) for kind, value in known if kind is not None]


def details_in_json(details: Iterable[Mapping[str, object]]) -> list[Any]:
    """The same of a google.rpc.Status in JSON, as REST carries it."""
    found = []
    for detail in details:
        kind = _DETAILS.get(str(detail.get("@type")).rpartition("/")[2])
        fields = {name: value for name, value in detail.items() if name != "@type"}
        if kind is None:
            continue
        try:
            found.append(ParseDict(fields, kind(), ignore_unknown_fields=True))
        except ParseError:
            continue  # A proxy's own idea of a detail is no reason to lose the error.
    return found

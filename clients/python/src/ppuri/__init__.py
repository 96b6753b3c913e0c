"""Calls ppuri over gRPC and REST, with signed requests and safe retries."""

from ._gen import v1, v2
from .connection import Connection, connect, connect_rest
from .errors import (
    ConflictError,
    DeadlineExceededError,
    FieldViolation,
    InternalError,
    InvalidRequestError,
    LimitedError,
    NotFoundError,
    PermissionDeniedError,
    PpuriError,
    RefusedError,
    UnauthenticatedError,
    UnavailableError,
)
from .headers import Identity, headers_of, signed_headers
from .retry import NO_RETRIES, RetryBudget, RetryPolicy
from .rpc import Paged, Route, Stream, Unary
from .signature import Ed25519Key, HmacKey, SigningKey, ed25519_key, hmac_key, sign_request
from .webhook import WebhookVerificationError, verify_webhook

__all__ = [
    "NO_RETRIES",
    "ConflictError",
    "Connection",
    "DeadlineExceededError",
    "Ed25519Key",
    "FieldViolation",
    "HmacKey",
    "Identity",
    "InternalError",
    "InvalidRequestError",
    "LimitedError",
    "NotFoundError",
    "Paged",
    "PermissionDeniedError",
    "PpuriError",
    "RefusedError",
    "RetryBudget",
    "RetryPolicy",
    "Route",
    "SigningKey",
    "Stream",
    "Unary",
    "UnauthenticatedError",
    "UnavailableError",
    "WebhookVerificationError",
    "connect",
    "connect_rest",
    "ed25519_key",
    "headers_of",
    "hmac_key",
    "sign_request",
    "signed_headers",
    "v1",
    "v2",
    "verify_webhook",
]

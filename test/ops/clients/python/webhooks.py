"""Judges the requests that the test gives, in JSON on stdin, by our helper and by the published library for Standard Webhooks."""

import json
import sys
from collections.abc import Callable
from typing import Any

import standardwebhooks

import ppuri

given: list[dict[str, Any]] = json.load(sys.stdin)


def judged(verify: Callable[[], Any], errors: tuple[type[Exception], ...], body: str) -> bool:
    try:
        event = verify()
    except errors:
        return False
    assert event == json.loads(body)
    return True


def by_ours(case: dict[str, Any]) -> bool:
    def verify() -> Any:
        return ppuri.verify_webhook(case["headers"], case["body"].encode(), case["keys"], now=case["now"])

    return judged(verify, (ppuri.WebhookVerificationError,), case["body"])


def by_library(case: dict[str, Any]) -> bool:
    def verify() -> Any:
        return standardwebhooks.Webhook(case["keys"][0]).verify(case["body"], case["headers"])

    # What it cannot decode it lets through as the error of its decoder.
    return judged(verify, (standardwebhooks.WebhookVerificationError, ValueError), case["body"])


for key in ("secret", "whpk_AAAA"):
    try:
        ppuri.verify_webhook({}, b"", key)
    except ValueError:
        continue
    raise AssertionError(key)

print(
    json.dumps(
        [
            {"ours": by_ours(case), "library": by_library(case) if case["isForLibraries"] else case["isRight"]}
            for case in given
        ]
    )
)

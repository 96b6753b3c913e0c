"""Makes the scenarios of clients/scenarios over gRPC and REST, as clients/scenarios/README.md says."""

import os
import random
import re
import string
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml

import ppuri

VARIABLE = re.compile(r"\$\{(\w+)\}")
# On a busy machine a new server takes many seconds.
PATIENCE = 120
RETRY = ppuri.RetryPolicy(longest_pause=1)


class Failure(Exception):
    """What came is not what a step expects."""


def connections() -> Iterator[tuple[tuple[str, str], ppuri.Connection]]:
    """A connection for each transport and each way to sign."""
    env = os.environ
    hmac = ppuri.hmac_key(env["KEY_ID"], env["SECRET"])
    keys: dict[str, ppuri.SigningKey] = {
        "hmac": hmac,
        "ed25519": ppuri.ed25519_key(env["ED25519_KEY_ID"], env["ED25519_PEM"]),
        "wrong-secret": ppuri.hmac_key(env["KEY_ID"], "wrong"),
        "old": hmac,
    }
    for sign, key in keys.items():
        clock = (lambda: time.time() - 120) if sign == "old" else time.time
        yield ("grpc", sign), ppuri.connect(env["PPURI_GRPC"], key, timeout=PATIENCE, retry=RETRY, clock=clock)
        yield ("rest", sign), ppuri.connect_rest(env["PPURI"], key, timeout=PATIENCE, retry=RETRY, clock=clock)


class Run:
    """One scenario over one transport."""

    def __init__(self, made: Mapping[tuple[str, str], ppuri.Connection], transport: str) -> None:
        self._connections = made
        self._transport = transport
        self._variables: dict[str, Any] = {"unique": "".join(random.choices(string.ascii_letters + string.digits, k=8))}

    def make(self, scenario: Mapping[str, Any]) -> None:
        admin = self._connections[self._transport, "hmac"]
        for alias, balance in scenario.get("users", {}).items():
            user_id = str(random.randint(1, 2**53))
            self._variables[alias] = user_id
            admin.call("wallet.v2.UserService/CreateUser", {"user_id": user_id, "display_name": alias})
            if balance:
                admin.call("wallet.v1.WalletService/Charge", {"amount": str(balance)}, user_id=user_id)
        self._steps(scenario["steps"])

    def _steps(self, steps: list[dict[str, Any]]) -> None:
        for step in steps:
            try:
                self._step(step)
            except (Failure, ppuri.PpuriError, KeyError, TypeError) as error:
                raise Failure(f"{step}: {error!r}") from error

    def _step(self, step: dict[str, Any]) -> None:
        user_id = self._variables[step["as"]] if "as" in step else None
        if "fault" in step:
            told = httpx.post(f"{os.environ['FAULTS']}/{step['fault']}", json={"user_id": user_id or ""}, timeout=60)
            told.raise_for_status()
        if not {"call", "pages", "stream"} & step.keys():
            return
        errors: list[ppuri.PpuriError] = []
        for _ in range(step.get("repeat", 1)):
            try:
                answer = self._make(step, user_id)
            except ppuri.PpuriError as error:
                errors.append(error)
                if "error" not in step:
                    raise
                check_error(error, step["error"])
            else:
                self._check(answer, step)
        if "error" in step and not errors:
            raise Failure("there was no error")

    def _make(self, step: dict[str, Any], user_id: str | None) -> Any:
        connection = self._connections[step.get("over", self._transport), step.get("sign", "hmac")]
        request = self._filled(step.get("request", {}))
        identity: dict[str, Any] = {"user_id": user_id, "room_id": self._filled(step.get("room"))}
        retry = ppuri.NO_RETRIES if step.get("retry") is False else None
        if "call" in step:
            key = self._filled(step.get("key"))
            return connection.call(step["call"], request, idempotency_key=key, retry=retry, **identity)
        if "pages" in step:
            pages = list(connection.pages(step["pages"], request, **identity))
            lists = [value for page in pages for value in page.values() if isinstance(value, list)]
            return {"pages": len(pages), "items": sum(map(len, lists))}
        last: Any = None
        for message in connection.stream(step["stream"], request, user_id=user_id, timeout=60):
            if last is None:
                self._steps(step.get("then", []))
            last = message
        return last

    def _check(self, answer: Any, step: dict[str, Any]) -> None:
        if "error" in step:
            if step.get("repeat", 1) == 1:
                raise Failure(f"an error was expected: {answer}")
            return
        if "expect" in step:
            check_fits(answer, self._filled(step["expect"]), "answer")
        for name, path in step.get("capture", {}).items():
            self._variables[name] = at(answer, path)

    def _filled(self, value: Any) -> Any:
        """A value with its variables replaced."""
        if isinstance(value, dict):
            return {name: self._filled(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner) for inner in value]
        if not isinstance(value, str):
            return value
        whole = VARIABLE.fullmatch(value)
        if whole:
            return self._variables[whole[1]]
        return VARIABLE.sub(lambda found: str(self._variables[found[1]]), value)


def at(answer: Any, path: str) -> Any:
    for name in re.findall(r"\w+", path):
        answer = answer[int(name)] if name.isdecimal() else answer[name]
    return answer


def check_fits(answer: Any, expected: Any, where: str) -> None:
    if isinstance(expected, dict):
        if not isinstance(answer, dict):
            raise Failure(f"{where} is {answer!r}")
        for name, value in expected.items():
            check_fits(answer.get(name, ""), value, f"{where}.{name}")
    elif isinstance(expected, list):
        if not isinstance(answer, list) or len(answer) != len(expected):
            raise Failure(f"{where} is {answer!r} and not a list of {len(expected)}")
        for index, value in enumerate(expected):
            check_fits(answer[index], value, f"{where}[{index}]")
    elif expected == "*":
        if answer in ("", None, [], {}):
            raise Failure(f"{where} is empty")
    elif text_of(answer) != text_of(expected):
        raise Failure(f"{where} is {answer!r} and not {expected!r}")


def text_of(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "" if text in ("0", "false") else text


def check_error(error: ppuri.PpuriError, expected: Mapping[str, Any]) -> None:
    found = {
        "status": error.status,
        "code": error.code,
        "reason": error.reason,
        "fields": sorted(violation.field for violation in error.violations),
        "retry_after": (error.retry_after or 0) > 0,
    }
    for name, value in expected.items():
        if found[name] != (sorted(value) if isinstance(value, list) else value):
            raise Failure(f"{name} of {error!r} is {found[name]!r} and not {value!r}")
    if not error.request_id:
        raise Failure(f"{error!r} has no request id")


def main() -> int:
    made = dict(connections())
    failed = 0
    for file in sorted(Path(os.environ["SCENARIOS"]).glob("*.yaml")):
        for scenario in yaml.safe_load(file.read_text()):
            for transport in scenario.get("transports", ("grpc", "rest")):
                title = f"{scenario['name']} over {transport}"
                try:
                    Run(made, transport).make(scenario)
                except (Failure, ppuri.PpuriError) as error:
                    failed += 1
                    print(f"not ok {title}: {error}", flush=True)
                else:
                    print(f"ok {title}", flush=True)
    for connection in made.values():
        connection.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

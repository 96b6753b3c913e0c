"""What the client decides by itself, without a server: when it makes a call again, and what it sends."""

import re
import unittest
from collections.abc import Callable, Generator
from datetime import datetime, timezone
from typing import Any
from unittest import mock

import httpx

import ppuri
from ppuri import v1, v2
from ppuri.errors import error_of
from ppuri.retry import pause_before
from ppuri.rpc import Unary, rest_request

TRANSFER = v1.WalletService.Transfer
REQUEST = v1.TransferRequest(to_user_id=1002, amount=500)


class FakeTransport:
    """Answers with what it is given, in that order, and notes the keys of its calls."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.keys: list[str | None] = []
        self.timeouts: list[float] = []

    def unary(self, rpc: Any, request: Any, identity: ppuri.Identity, timeout: float) -> Any:
        self.keys.append(identity.idempotency_key)
        self.timeouts.append(timeout)
        return self._next()

    def stream(
        self, rpc: Any, request: Any, identity: ppuri.Identity, timeout: float | None
    ) -> Generator[Any, None, None]:
        for answer in self._next():
            if isinstance(answer, Exception):
                raise answer
            yield answer

    def _next(self) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        pass


def refusal(status: str, code: str = "", reason: str = "", retry_after: float | None = None) -> ppuri.PpuriError:
    return ppuri.PpuriError(status, "no", code=code, reason=reason, retry_after=retry_after)


def connection_of(transport: FakeTransport, budget: ppuri.RetryBudget | None = None) -> ppuri.Connection:
    return ppuri.Connection(transport, ppuri.RetryPolicy(), budget or ppuri.RetryBudget())


class Retries(unittest.TestCase):
    def setUp(self) -> None:
        sleep = mock.patch("time.sleep")
        self.sleep = sleep.start()
        self.addCleanup(sleep.stop)

    def attempts(self, error: ppuri.PpuriError, rpc: Any = TRANSFER, request: Any = REQUEST) -> int:
        """How many attempts are made when the first one fails."""
        transport = FakeTransport(error, rpc.response())
        try:
            connection_of(transport).call(rpc, request, user_id=1001)
        except ppuri.PpuriError:
            pass
        return len(transport.keys)

    def test_made_again_only_where_it_may_help(self) -> None:
        again = (
            refusal("UNAVAILABLE"),
            refusal("UNAVAILABLE", "ERR009", "UNAVAILABLE"),
            refusal("DEADLINE_EXCEEDED"),
            refusal("DEADLINE_EXCEEDED", "ERR010", "DEADLINE_EXCEEDED"),
            refusal("INTERNAL"),
            refusal("UNKNOWN"),
            refusal("RESOURCE_EXHAUSTED", "ERR008", "RATE_LIMITED", 0.5),
            refusal("ABORTED", "ERR007", "CONFLICT"),
            refusal("UNAUTHENTICATED", "ERR002", "NONCE_REUSED"),
        )
        once = (
            refusal("INTERNAL", "ERR003", "INTERNAL"),
            refusal("RESOURCE_EXHAUSTED", "ERR008", "MESSAGE_TOO_LARGE"),
            refusal("UNAUTHENTICATED", "ERR002", "AUTHENTICATION_FAILED"),
            refusal("FAILED_PRECONDITION", "ERR006", "BALANCE_TOO_LOW"),
            refusal("NOT_FOUND", "ERR005", "WALLET_NOT_FOUND"),
            refusal("CANCELLED", "ERR010", "CANCELLED"),
            refusal("ABORTED", "ERR007", "ATTEMPT_SUPERSEDED", 1.0),
        )
        for error in again:
            self.assertEqual(self.attempts(error), 2, str(error))
        for error in once:
            self.assertEqual(self.attempts(error), 1, str(error))

    def test_what_supersedes_an_attempt_may_be_an_earlier_one_of_the_same_call(self) -> None:
        superseded = refusal("ABORTED", "ERR007", "ATTEMPT_SUPERSEDED", 1.0)
        transport = FakeTransport(refusal("UNAVAILABLE"), superseded, v1.TransferResponse())
        connection_of(transport).call(TRANSFER, REQUEST, user_id=1001)
        self.assertEqual(len(transport.keys), 3)

    def test_every_attempt_has_the_key_of_the_first(self) -> None:
        for given in (None, "rent"):
            transport = FakeTransport(refusal("UNAVAILABLE"), refusal("UNAVAILABLE"), v1.TransferResponse())
            connection_of(transport).call(TRANSFER, REQUEST, user_id=1001, idempotency_key=given)
            self.assertEqual(len(set(transport.keys)), 1)
            self.assertTrue(transport.keys[0] == given if given else transport.keys[0])

    def test_an_error_tells_the_key_and_the_attempts(self) -> None:
        transport = FakeTransport(refusal("UNAVAILABLE"), refusal("FAILED_PRECONDITION", "ERR006", "BALANCE_TOO_LOW"))
        with self.assertRaises(ppuri.PpuriError) as raised:
            connection_of(transport).call(TRANSFER, REQUEST, user_id=1001)
        self.assertEqual((raised.exception.idempotency_key, raised.exception.attempts), (transport.keys[0], 2))

    def test_what_is_not_safe_is_made_once(self) -> None:
        unsafe = Unary("wallet.v1.WalletService/Transfer", v1.TransferRequest, v1.TransferResponse, ())
        self.assertEqual(self.attempts(refusal("UNAVAILABLE"), unsafe), 1)

    def test_reads_and_lines_of_payouts_are_made_again(self) -> None:
        read = (v1.WalletService.GetBalance, v1.GetBalanceRequest())
        lines = (v2.PayoutService.AddPayoutLines, v2.AddPayoutLinesRequest())
        for rpc, request in (read, lines):
            self.assertEqual(self.attempts(refusal("UNAVAILABLE"), rpc, request), 2)

    def test_waits_at_least_as_long_as_the_answer_says(self) -> None:
        for _ in range(100):
            self.attempts(refusal("RESOURCE_EXHAUSTED", "ERR008", "RATE_LIMITED", 3.0))
        pauses = [call.args[0] for call in self.sleep.call_args_list]
        self.assertTrue(all(3.0 <= pause <= 3.1 for pause in pauses), pauses)
        self.assertGreater(len(set(pauses)), 50)

    def test_pauses_grow_and_are_drawn_from_zero(self) -> None:
        policy = ppuri.RetryPolicy(first_pause=0.1, longest_pause=5)
        for attempt, longest in ((2, 0.1), (3, 0.2), (5, 0.8), (20, 5)):
            drawn = [pause_before(attempt, refusal("UNAVAILABLE"), policy) for _ in range(1000)]
            self.assertLessEqual(max(drawn), longest)
            self.assertGreater(max(drawn), 0.9 * longest)
            self.assertLess(min(drawn), 0.1 * longest)

    def test_does_not_wait_beyond_the_deadline(self) -> None:
        transport = FakeTransport(refusal("RESOURCE_EXHAUSTED", "ERR008", "RATE_LIMITED", 60.0))
        with self.assertRaises(ppuri.PpuriError):
            connection_of(transport).call(TRANSFER, REQUEST, user_id=1001, timeout=20)
        self.sleep.assert_not_called()

    def test_an_attempt_has_a_deadline_of_its_own(self) -> None:
        transport = FakeTransport(v1.TransferResponse())
        connection_of(transport).call(TRANSFER, REQUEST, user_id=1001, timeout=20)
        self.assertEqual(transport.timeouts, [10.0])

    def test_a_dead_server_is_not_hammered(self) -> None:
        budget = ppuri.RetryBudget(max_tokens=10, ratio=0.1)
        dead = FakeTransport(*[refusal("UNAVAILABLE") for _ in range(200)])
        for _ in range(100):
            with self.assertRaises(ppuri.PpuriError):
                connection_of(dead, budget).call(TRANSFER, REQUEST, user_id=1001)
        self.assertEqual(len(dead.keys), 104)

    def test_successes_fill_the_budget(self) -> None:
        budget = ppuri.RetryBudget(max_tokens=10, ratio=0.5)
        while budget.allows_retry(refusal("UNAVAILABLE")):
            pass
        self.assertTrue(budget.allows_retry(refusal("ABORTED", "ERR007", "CONFLICT")))
        for _ in range(3):
            budget.succeeded()
        self.assertTrue(budget.allows_retry(refusal("UNAVAILABLE")))


class Streams(unittest.TestCase):
    def setUp(self) -> None:
        sleep = mock.patch("time.sleep")
        sleep.start()
        self.addCleanup(sleep.stop)

    def states(self, *streams: Any) -> list[int]:
        transport = FakeTransport(*streams)
        watch = v2.WatchPayoutRequest(payout_id="any")
        seen = connection_of(transport).stream(v2.PayoutService.WatchPayout, watch, user_id=1001)
        return [message.payout.paid_count for message in seen]

    def test_a_stream_that_breaks_off_goes_on_where_it_was(self) -> None:
        broken = [state(1), state(2), refusal("UNAVAILABLE")]
        self.assertEqual(self.states(broken, [state(2), state(3), state(4, done=True)]), [1, 2, 3, 4])

    def test_a_stream_that_ends_early_was_cut_off(self) -> None:
        self.assertEqual(self.states([state(1)], [state(1), state(2, done=True)]), [1, 2])

    def test_the_last_state_comes_once_although_the_connection_breaks_behind_it(self) -> None:
        self.assertEqual(self.states([state(1), state(2, done=True), refusal("UNAVAILABLE")]), [1, 2])

    def test_a_repeated_state_is_left_out(self) -> None:
        self.assertEqual(self.states([state(1), state(1), state(2, done=True)]), [1, 2])

    def test_a_refusal_is_raised(self) -> None:
        with self.assertRaises(ppuri.PpuriError):
            self.states([refusal("NOT_FOUND", "ERR005", "PAYOUT_NOT_FOUND")])


class Statements(unittest.TestCase):
    def setUp(self) -> None:
        sleep = mock.patch("time.sleep")
        sleep.start()
        self.addCleanup(sleep.stop)

    def read(self, *answers: Any) -> bytes:
        transport = FakeTransport(*answers)
        request = v2.ExportStatementRequest(wallet_id="any")
        return b"".join(connection_of(transport).statement(request, user_id=1001))

    def test_pieces_that_are_alike_are_no_repeats(self) -> None:
        file = [piece(b"DEPOSIT\r\n"), piece(b"DEPOSIT\r\n"), piece(b"CLO"), piece(b"SING,2\r\n")]
        self.assertEqual(self.read(file), b"DEPOSIT\r\nDEPOSIT\r\nCLOSING,2\r\n")
        lines = b'{"type":"OPENING"}\n{"type":"CLOSING"}\n'
        self.assertEqual(self.read([piece(lines)]), lines)

    def test_a_file_without_its_last_line_was_cut_off(self) -> None:
        for cut in (b"DEPOSIT\r\n", b"CLOSING,", b"CLOSING,2\r\nmore\r\n", b"memo CLOSING,\n"):
            with self.assertRaises(ppuri.UnavailableError):
                self.read([piece(cut)], [piece(b"CLOSING,0\r\n")])

    def test_only_what_has_not_begun_is_begun_again(self) -> None:
        self.assertEqual(self.read([refusal("UNAVAILABLE", "ERR009")], [piece(b"CLOSING,0\n")]), b"CLOSING,0\n")
        with self.assertRaises(ppuri.PpuriError):
            self.read([piece(b"type\r\n"), refusal("UNAVAILABLE", "ERR009")], [piece(b"CLOSING,0\n")])


def piece(data: bytes) -> v2.HttpBody:
    return v2.HttpBody(content_type="text/csv", data=data)


def state(paid: int, done: bool = False) -> v2.WatchPayoutResponse:
    name = v2.PAYOUT_STATE_DONE if done else v2.PAYOUT_STATE_RUNNING
    return v2.WatchPayoutResponse(payout=v2.Payout(paid_count=paid, state=name))


class Rest(unittest.TestCase):
    def test_fields_go_into_the_path_the_query_and_the_body(self) -> None:
        listed = v2.ListTransactionsRequest(wallet_id="w", page_size=2, kinds=["TRANSFER_KIND_DEPOSIT"])
        made = rest_request(v2.WalletService.ListTransactions, listed)
        self.assertEqual(
            (made.verb, made.target, made.body),
            ("GET", "/api/v2/wallets/w/transactions?page_size=2&kinds=TRANSFER_KIND_DEPOSIT", None),
        )
        claim = rest_request(v2.SprinkleService.ClaimSprinkle, v2.ClaimSprinkleRequest(room_id="r", token="abc"))
        self.assertEqual((claim.verb, claim.target, claim.body), ("POST", "/api/v2/rooms/r/sprinkles/abc:claim", {}))

    def test_a_key_with_a_slash_goes_into_the_query(self) -> None:
        for key, target in (("rent-10", "/api/v2/outcomes/rent-10"), ("a/b", "/api/v2/outcomes?idempotency_key=a%2Fb")):
            request = v2.GetOutcomeRequest(idempotency_key=key)
            self.assertEqual(rest_request(v2.TransferService.GetOutcome, request).target, target)

    def test_many_wallets_go_into_a_body(self) -> None:
        many = v2.BatchGetBalancesRequest(wallet_ids=["01890a5d-ac96-774b-bcce-b302099a8057"] * 300)
        self.assertEqual(rest_request(v2.WalletService.BatchGetBalances, many).verb, "POST")

    def test_a_value_in_the_path_cannot_lead_elsewhere(self) -> None:
        for room in ("", ".", ".."):
            with self.assertRaises(ValueError):
                rest_request(v2.RoomService.GetRoom, v2.GetRoomRequest(room_id=room))

    def test_a_page_in_place_of_an_answer_is_not_asked_for_again(self) -> None:
        for status in (200, 302, 404):
            asked: list[httpx.Request] = []
            with self.assertRaisesRegex(ppuri.PpuriError, f"HTTP {status} with text/html") as raised:
                balance_over(asked, httpx.Response(status, html="<h1>Hello</h1>"))
            self.assertEqual((raised.exception.status, len(asked)), ("UNIMPLEMENTED", 1))

    def test_the_path_of_the_url_is_not_signed(self) -> None:
        asked: list[httpx.Request] = []
        balance_over(asked, httpx.Response(200, json={"balance": "7"}), "http://host/pay/ppuri/")
        headers = asked[0].headers
        found = re.search(r'created=(\d+);nonce="([^"]+)"', headers["signature-input"])
        assert found is not None
        expected = ppuri.sign_request(
            method="GET",
            path="/api/v1/wallet/balance",
            query="",
            headers={"x-user-id": "1001"},
            body=b"",
            key=ppuri.hmac_key("key-1", "secret"),
            created=int(found[1]),
            nonce=found[2],
        )
        self.assertEqual(asked[0].url.path, "/pay/ppuri/api/v1/wallet/balance")
        self.assertEqual(headers["signature"], expected["signature"])

    def test_what_is_no_base_url_is_refused_at_once(self) -> None:
        for url in ("localhost:8080", "ftp://host", "http://host/?a=b", "http://user:word@host"):
            with self.assertRaises(ValueError):
                ppuri.connect_rest(url)


def balance_over(asked: list[httpx.Request], answer: httpx.Response, url: str = "http://host") -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer

    client = httpx.Client(transport=httpx.MockTransport(handle))
    with ppuri.connect_rest(url, ppuri.hmac_key("key-1", "secret"), client=client) as connection:
        connection.call("wallet.v1.WalletService/GetBalance", {}, user_id=1001)


class Messages(unittest.TestCase):
    def test_a_time_is_a_datetime(self) -> None:
        noon = datetime(2026, 10, 1, 12, tzinfo=timezone.utc)
        request = v2.GetBalanceRequest(wallet_id="w", as_of=noon)
        self.assertEqual(request.as_of.ToDatetime(timezone.utc), noon)
        made = rest_request(v2.WalletService.GetBalance, request)
        self.assertEqual(made.target, "/api/v2/wallets/w/balance?as_of=2026-10-01T12%3A00%3A00Z")


class Errors(unittest.TestCase):
    def test_each_code_has_a_class(self) -> None:
        expected: dict[str, Callable[..., Any]] = {"UNAVAILABLE": ppuri.UnavailableError, "UNKNOWN": ppuri.PpuriError}
        for status, kind in expected.items():
            self.assertIs(type(error_of(status, "")), kind)

    def test_wrong_requests_are_errors_of_the_caller(self) -> None:
        connection = connection_of(FakeTransport())
        with self.assertRaises(TypeError):
            connection.call("wallet.v1.WalletService/Steal", {})
        with self.assertRaises(TypeError):
            connection.call("wallet.v1.WalletService/Transfer", {"to": 1})
        with self.assertRaises(TypeError):
            connection.call(TRANSFER, v1.GetBalanceRequest())  # type: ignore[misc]


if __name__ == "__main__":
    unittest.main()

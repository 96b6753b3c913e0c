"""Pays, claims and pays out while servers are killed, until stdin ends, and prints what has to have happened.

What the client gives up on, the program goes on with under the same key, as the README tells callers to.
"""

import json
import os
import random
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import closing
from typing import Any

import ppuri
from ppuri import v1, v2
from ppuri.grpc_transport import GrpcTransport
from ppuri.headers import Identity
from ppuri.rest_transport import RestTransport
from ppuri.rpc import Stream, Unary
from ppuri.transport import Transport

USERS = 16
START = 1_000_000_000
LINES = 40
# Between two acts of a thread, in seconds at most.
PAUSE = 0.1

# A user, and what the user must have in the end.
balances: defaultdict[int, int] = defaultdict(int)
counts: Counter[str] = Counter()
transaction_ids: set[str] = set()
lock = threading.Lock()
finished = threading.Event()


class Counting:
    """Counts the attempts that a transport makes, and those that got no answer."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def unary(self, rpc: Unary[Any, Any], request: Any, identity: Identity, timeout: float) -> Any:
        note("attempts")
        try:
            return self._transport.unary(rpc, request, identity, timeout)
        except (ppuri.UnavailableError, ppuri.DeadlineExceededError):
            note("unanswered")
            raise

    def stream(self, rpc: Stream[Any, Any], request: Any, identity: Identity, timeout: float | None) -> Any:
        note("streams")
        return self._transport.stream(rpc, request, identity, timeout)

    def close(self) -> None:
        self._transport.close()


def note(what: str, count: int = 1) -> None:
    with lock:
        counts[what] += count


def moved(amount: int, debit: int | None, credit: int | None) -> None:
    with lock:
        if debit:
            balances[debit] -= amount
        if credit:
            balances[credit] += amount


def insist(connection: ppuri.Connection, rpc: Unary[Any, Any], request: Any, user: int, room: str | None = None) -> Any:
    """Makes a call until it is known what became of it."""
    key: str | None = None
    while True:
        try:
            return connection.call(rpc, request, user_id=user, room_id=room, idempotency_key=key)
        except ppuri.PpuriError as error:
            # A claim whose server was killed counts as a wrong guess, and five of them in a minute are the limit.
            if error.code not in ("", "ERR007", "ERR008", "ERR009", "ERR010"):
                raise
            note("given_up")
            key = error.idempotency_key
            time.sleep(error.retry_after or 0.1)


def pay(connection: ppuri.Connection, users: list[int]) -> None:
    debit, credit = random.sample(users, 2)
    amount = random.randint(1, 50)
    request = v1.TransferRequest(to_user_id=credit, amount=amount)
    answer = insist(connection, v1.WalletService.Transfer, request, debit)
    moved(amount, debit, credit)
    with lock:
        transaction_ids.add(answer.transaction_id)
    note("payments")


def sprinkle(connection: ppuri.Connection, users: list[int]) -> None:
    creator, *claimers = random.sample(users, 4)
    room = random.choice(ROOMS)
    request = v1.CreateSprinkleRequest(amount=3000, headcount=3)
    made = insist(connection, v1.SprinkleService.CreateSprinkle, request, creator, room)
    moved(3000, creator, None)
    note("sprinkles")
    for claimer in claimers:
        claim = v1.ClaimSprinkleRequest(token=made.token)
        share = insist(connection, v1.SprinkleService.ClaimSprinkle, claim, claimer, room)
        moved(share.amount, None, claimer)
        note("claims")


def pay_out(connection: ppuri.Connection, users: list[int]) -> None:
    payer, *payees = users if random.random() < 0.5 else users[::-1]
    wallets = insist(connection, v2.WalletService.ListWallets, v2.ListWalletsRequest(), payer).wallets
    wish = v2.CreatePayoutRequest(wallet_id=wallets[0].wallet_id, mode=v2.PAYOUT_MODE_EACH)
    payout_id = insist(connection, v2.PayoutService.CreatePayout, wish, payer).payout.payout_id
    won = v2.Money(currency_code="KRW", minor_units=7)
    chosen = [random.choice(payees) for _ in range(LINES)]
    for first in range(0, LINES, 10):
        lines = [v2.PayoutLine(user_id=payee, amount=won) for payee in chosen[first : first + 10]]
        request = v2.AddPayoutLinesRequest(payout_id=payout_id, first_line=first + 1, lines=lines)
        insist(connection, v2.PayoutService.AddPayoutLines, request, payer)
    start = v2.StartPayoutRequest(payout_id=payout_id, line_count=LINES)
    insist(connection, v2.PayoutService.StartPayout, start, payer)
    for payee in chosen:
        moved(7, payer, payee)
    note("lines", LINES)
    watch(connection, payout_id, payer)
    note("payouts")


def watch(connection: ppuri.Connection, payout_id: str, payer: int) -> None:
    """Reads the states to the last one: it comes once, whatever is killed, and paid lines never become unpaid."""
    states: list[Any] = []
    while not states or states[-1].state != v2.PAYOUT_STATE_DONE:
        request = v2.WatchPayoutRequest(payout_id=payout_id)
        try:
            states += [seen.payout for seen in connection.stream(v2.PayoutService.WatchPayout, request, user_id=payer)]
        except (ppuri.UnavailableError, ppuri.DeadlineExceededError):
            note("given_up")
    paid = [state.paid_count for state in states]
    if sum(state.state == v2.PAYOUT_STATE_DONE for state in states) != 1 or paid != sorted(paid) or paid[-1] != LINES:
        raise AssertionError(f"the states of payout {payout_id}: {paid}")


def work(act: Callable[[ppuri.Connection, list[int]], None], transport: Transport, users: list[int]) -> None:
    connection = ppuri.Connection(Counting(transport), ppuri.RetryPolicy(), ppuri.RetryBudget())
    with closing(connection):
        while not finished.is_set():
            act(connection, users)
            # Leaves the processor to servers that start.
            time.sleep(random.uniform(0, PAUSE))


def failed(thread: threading.ExceptHookArgs) -> None:
    note("failures")
    threading.__excepthook__(thread)


def main() -> None:
    with closing(ppuri.Connection(over_grpc(), ppuri.RetryPolicy(), ppuri.RetryBudget())) as connection:
        users = [prepare(connection) for _ in range(USERS)]
        for room_id in ROOMS:
            room = v2.CreateRoomRequest(room_id=room_id, display_name="Kills")
            connection.call(v2.RoomService.CreateRoom, room, user_id=users[0])
            for user in users[1:]:
                member = v2.AddMemberRequest(room_id=room_id, user_id=user)
                connection.call(v2.RoomService.AddMember, member, user_id=users[0])
    print("ready", flush=True)
    acts = [pay] * 4 + [sprinkle, pay_out]
    threading.excepthook = failed
    threads = [
        threading.Thread(target=work, args=(act, over(), users)) for over in (over_grpc, over_rest) for act in acts
    ]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    finished.set()
    for thread in threads:
        thread.join()
    print(json.dumps({**counts, "transaction_ids": len(transaction_ids), "balances": balances}))


def prepare(connection: ppuri.Connection) -> int:
    user = random.randint(1, 2**53)
    connection.call(v2.UserService.CreateUser, v2.CreateUserRequest(user_id=user, display_name="Somebody"))
    connection.call(v1.WalletService.Charge, v1.ChargeRequest(amount=START), user_id=user)
    balances[user] = START
    return user


def over_grpc() -> Transport:
    return GrpcTransport(os.environ["PPURI_GRPC"], KEY, None, ())


def over_rest() -> Transport:
    return RestTransport(os.environ["PPURI"], KEY, None)


KEY = ppuri.hmac_key(os.environ["KEY_ID"], os.environ["SECRET"])
ROOMS = ("north", "east", "south", "west")

if __name__ == "__main__":
    main()

"""Makes one payment whose answer is lost, with a client that forgets the idempotency key between its attempts."""

import os
import uuid
from dataclasses import replace
from typing import Any

import httpx

import ppuri
from ppuri.grpc_transport import GrpcTransport
from ppuri.headers import Identity
from ppuri.rpc import Unary


class Forgetful(GrpcTransport):
    """The mistake: each attempt is an intent of its own."""

    def unary(self, rpc: Unary[Any, Any], request: Any, identity: Identity, timeout: float) -> Any:
        return super().unary(rpc, request, replace(identity, idempotency_key=str(uuid.uuid4())), timeout)


def lose_next_answer() -> None:
    """From now on the answer of the next payment is lost."""
    told = httpx.post(f"{os.environ['FAULTS']}/lose-answer", json={"user_id": os.environ["PAYER"]}, timeout=60)
    told.raise_for_status()


key = ppuri.hmac_key(os.environ["KEY_ID"], os.environ["SECRET"])
transport = Forgetful(os.environ["PPURI_GRPC"], key, None, ())
connection = ppuri.Connection(transport, ppuri.RetryPolicy(), ppuri.RetryBudget())
# The connection is there before its answers are lost: no client sends a call before the server's greeting.
connection.call(ppuri.v1.WalletService.GetBalance, ppuri.v1.GetBalanceRequest(), user_id=os.environ["PAYER"])
lose_next_answer()
payment = ppuri.v1.TransferRequest(to_user_id=int(os.environ["PAYEE"]), amount=500)
connection.call(ppuri.v1.WalletService.Transfer, payment, user_id=os.environ["PAYER"])
connection.close()

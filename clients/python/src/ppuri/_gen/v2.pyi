"""Messages, enums and RPCs of wallet.v2. Printed by `npm run gen`."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.internal.containers import RepeatedCompositeFieldContainer, RepeatedScalarFieldContainer
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from ..rpc import Paged, Stream, Unary

class FreezeDirection(int):
    """What a freeze stops."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> FreezeDirection: ...

FREEZE_DIRECTION_UNSPECIFIED: Final[FreezeDirection]
FREEZE_DIRECTION_OUT: Final[FreezeDirection]
"""Money does not leave."""
FREEZE_DIRECTION_IN: Final[FreezeDirection]
"""Money does not arrive."""
FREEZE_DIRECTION_BOTH: Final[FreezeDirection]
"""Neither."""

class GiftState(int):
    """The state of a gift."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> GiftState: ...

GIFT_STATE_UNSPECIFIED: Final[GiftState]
GIFT_STATE_OPEN: Final[GiftState]
"""It can be accepted, declined and cancelled."""
GIFT_STATE_ACCEPTED: Final[GiftState]
"""Its receiver has the money."""
GIFT_STATE_DECLINED: Final[GiftState]
"""Its receiver gave the money back."""
GIFT_STATE_CANCELLED: Final[GiftState]
"""Its sender took the money back."""
GIFT_STATE_EXPIRED: Final[GiftState]
"""Nobody ended it in time, and the money returns by itself."""

class GiftDirection(int):
    """Which gifts of a user."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> GiftDirection: ...

GIFT_DIRECTION_UNSPECIFIED: Final[GiftDirection]
"""Those that the user sent, and those for the user."""
GIFT_DIRECTION_SENT: Final[GiftDirection]
"""Those that the user sent."""
GIFT_DIRECTION_RECEIVED: Final[GiftDirection]
"""Those for the user."""

class HoldState(int):
    """The state of a hold."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> HoldState: ...

HOLD_STATE_UNSPECIFIED: Final[HoldState]
HOLD_STATE_OPEN: Final[HoldState]
"""It can be captured and voided."""
HOLD_STATE_CAPTURED: Final[HoldState]
"""All of it was captured, or a final capture gave back the rest."""
HOLD_STATE_VOIDED: Final[HoldState]
"""What was left of it was given back."""
HOLD_STATE_EXPIRED: Final[HoldState]
"""It was not captured in whole in time, and what was left of it returns by itself."""

class LimitKind(int):
    """What is limited."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> LimitKind: ...

LIMIT_KIND_UNSPECIFIED: Final[LimitKind]
LIMIT_KIND_HELD: Final[LimitKind]
"""What the user holds: in all wallets of the currency, in holds, and in sprinkles and payouts that still are the user's."""
LIMIT_KIND_CALL: Final[LimitKind]
"""The amount of one movement that the user asks for."""
LIMIT_KIND_DAY_OUT: Final[LimitKind]
"""What goes out on a day: transfers, withdrawals, and what is put into holds, sprinkles and payouts."""
LIMIT_KIND_DAY_IN: Final[LimitKind]
"""What comes in on a day, except for refunds and for what comes back from holds, sprinkles and payouts."""
LIMIT_KIND_MONTH_OUT: Final[LimitKind]
"""What goes out in a month."""
LIMIT_KIND_MONTH_IN: Final[LimitKind]
"""What comes in in a month."""
LIMIT_KIND_DAY_COUNT: Final[LimitKind]
"""How often something goes out on a day."""

class PayoutMode(int):
    """What becomes of the other lines when one is bad."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> PayoutMode: ...

PAYOUT_MODE_UNSPECIFIED: Final[PayoutMode]
PAYOUT_MODE_ALL_OR_NOTHING: Final[PayoutMode]
"""The payout does not start while a line of it is bad or the wallet has too little."""
PAYOUT_MODE_EACH: Final[PayoutMode]
"""Each line for itself: what can be paid is paid."""

class PayoutState(int):
    """The state of a payout."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> PayoutState: ...

PAYOUT_STATE_UNSPECIFIED: Final[PayoutState]
PAYOUT_STATE_DRAFT: Final[PayoutState]
"""Lines can be added."""
PAYOUT_STATE_RUNNING: Final[PayoutState]
"""Its lines are being paid."""
PAYOUT_STATE_DONE: Final[PayoutState]
"""Every line is paid or has failed, and the rest has been refunded."""
PAYOUT_STATE_CANCELLED: Final[PayoutState]
"""It was cancelled, and the rest has been refunded."""

class ReceiptParty(int):
    """A side of a transfer."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> ReceiptParty: ...

RECEIPT_PARTY_UNSPECIFIED: Final[ReceiptParty]
"""Never returned."""
RECEIPT_PARTY_DEBIT: Final[ReceiptParty]
"""The side that paid."""
RECEIPT_PARTY_CREDIT: Final[ReceiptParty]
"""The side that was paid."""

class SprinkleMode(int):
    """How an amount is split into shares."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> SprinkleMode: ...

SPRINKLE_MODE_UNSPECIFIED: Final[SprinkleMode]
SPRINKLE_MODE_RANDOM: Final[SprinkleMode]
"""At random."""
SPRINKLE_MODE_EQUAL: Final[SprinkleMode]
"""Every share is the same."""

class SprinkleState(int):
    """The state of a sprinkle."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> SprinkleState: ...

SPRINKLE_STATE_UNSPECIFIED: Final[SprinkleState]
SPRINKLE_STATE_LIVE: Final[SprinkleState]
"""Shares can be claimed."""
SPRINKLE_STATE_EMPTY: Final[SprinkleState]
"""Every share was claimed."""
SPRINKLE_STATE_EXPIRED: Final[SprinkleState]
"""Its time is over."""
SPRINKLE_STATE_CANCELLED: Final[SprinkleState]
"""Its creator ended it."""

class TransferKind(int):
    """Why money moved."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> TransferKind: ...

TRANSFER_KIND_UNSPECIFIED: Final[TransferKind]
TRANSFER_KIND_DEPOSIT: Final[TransferKind]
"""Money from outside came in."""
TRANSFER_KIND_WITHDRAWAL: Final[TransferKind]
"""Money went outside."""
TRANSFER_KIND_TRANSFER: Final[TransferKind]
"""From one wallet to another."""
TRANSFER_KIND_SPRINKLE: Final[TransferKind]
"""Set aside for a sprinkle by its creator."""
TRANSFER_KIND_CLAIM: Final[TransferKind]
"""A claimed share of a sprinkle."""
TRANSFER_KIND_REFUND: Final[TransferKind]
"""A refund: the unclaimed rest of a sprinkle, the unpaid rest of a payout, or money that a receiver gave back."""
TRANSFER_KIND_PAYOUT: Final[TransferKind]
"""Set aside for a payout when it was started."""
TRANSFER_KIND_PAYOUT_LINE: Final[TransferKind]
"""A line of a payout, paid."""
TRANSFER_KIND_HOLD: Final[TransferKind]
"""Set aside in a hold."""
TRANSFER_KIND_CAPTURE: Final[TransferKind]
"""Paid out of a hold."""
TRANSFER_KIND_VOID: Final[TransferKind]
"""Returned from a hold: voided, expired, or left over by the final capture."""
TRANSFER_KIND_GIFT: Final[TransferKind]
"""Set aside in a gift by its sender."""
TRANSFER_KIND_GIFT_ACCEPT: Final[TransferKind]
"""A gift, accepted by its receiver."""
TRANSFER_KIND_GIFT_RETURN: Final[TransferKind]
"""Returned from a gift: declined, cancelled or expired."""
TRANSFER_KIND_REVERSAL: Final[TransferKind]
"""Taken back by an operator, in whole or in part: it goes from who received a transfer to who paid it."""

class BatchMode(int):
    """What becomes of the other items when one is refused."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> BatchMode: ...

BATCH_MODE_UNSPECIFIED: Final[BatchMode]
BATCH_MODE_ALL_OR_NOTHING: Final[BatchMode]
"""The first item that is refused refuses the call, which names it (`items[3].credit_wallet_id`, or `items[3]` where no one field is wrong): nothing moves."""
BATCH_MODE_EACH: Final[BatchMode]
"""Each item on its own: a refused one changes nothing, and its result has the reason; the others are posted."""

class OutcomeState(int):
    """What became of the calls under an idempotency key."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> OutcomeState: ...

OUTCOME_STATE_UNSPECIFIED: Final[OutcomeState]
OUTCOME_STATE_POSTED: Final[OutcomeState]
"""A call was done. The same call under the same key gets the same answer, for good."""
OUTCOME_STATE_NOT_POSTED: Final[OutcomeState]
"""Nothing was done, and no attempt under the key that has been sent so far can still do anything."""
OUTCOME_STATE_UNDECIDED: Final[OutcomeState]
"""An attempt is about to be written, and it is not known yet whether it will be. Ask again."""

class FriendshipState(int):
    """The relation of two users."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> FriendshipState: ...

FRIENDSHIP_STATE_UNSPECIFIED: Final[FriendshipState]
FRIENDSHIP_STATE_REQUESTED: Final[FriendshipState]
"""The acting user sent a request. They become friends when the other user calls AddFriend."""
FRIENDSHIP_STATE_FRIENDS: Final[FriendshipState]
"""They are friends."""

class FriendRequestDirection(int):
    """Which requests to be friends."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> FriendRequestDirection: ...

FRIEND_REQUEST_DIRECTION_UNSPECIFIED: Final[FriendRequestDirection]
FRIEND_REQUEST_DIRECTION_INCOMING: Final[FriendRequestDirection]
"""Sent to the acting user."""
FRIEND_REQUEST_DIRECTION_OUTGOING: Final[FriendRequestDirection]
"""Sent by the acting user."""

class WalletState(int):
    """Whether a wallet may pay and receive. What was set aside from it (a hold, a sprinkle, a payout) comes back in any state."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> WalletState: ...

WALLET_STATE_UNSPECIFIED: Final[WalletState]
WALLET_STATE_OPEN: Final[WalletState]
"""It pays and receives."""
WALLET_STATE_FROZEN_OUT: Final[WalletState]
"""It receives, and cannot pay: WALLET_FROZEN."""
WALLET_STATE_FROZEN_IN: Final[WalletState]
"""It pays, and cannot receive."""
WALLET_STATE_FROZEN: Final[WalletState]
"""It does neither."""
WALLET_STATE_CLOSED: Final[WalletState]
"""It does neither, for good: WALLET_CLOSED."""

class Direction(int):
    """Which way the money went, seen from the wallet."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> Direction: ...

DIRECTION_UNSPECIFIED: Final[Direction]
DIRECTION_IN: Final[Direction]
"""It came in."""
DIRECTION_OUT: Final[Direction]
"""It went out."""

class StatementFormat(int):
    """The format of a statement."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> StatementFormat: ...

STATEMENT_FORMAT_UNSPECIFIED: Final[StatementFormat]
STATEMENT_FORMAT_CSV: Final[StatementFormat]
"""RFC 4180 in UTF-8 with a byte order mark, for spreadsheets: the first line names the fields, and a memo or a reference that a spreadsheet would take for a formula has an apostrophe before it, as has one that begins with one."""
STATEMENT_FORMAT_NDJSON: Final[StatementFormat]
"""An object of JSON a line, for programs: fields that are empty are left out, and the others are strings, but `number`."""

class WebhookState(int):
    """Whether a webhook sends events."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> WebhookState: ...

WEBHOOK_STATE_UNSPECIFIED: Final[WebhookState]
WEBHOOK_STATE_ACTIVE: Final[WebhookState]
"""It sends events."""
WEBHOOK_STATE_PAUSED: Final[WebhookState]
"""It sends nothing until UpdateWebhook or an operator lets it go on; nothing is lost for 30 days."""

class WebhookPauseReason(int):
    """Why a webhook is paused."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> WebhookPauseReason: ...

WEBHOOK_PAUSE_REASON_UNSPECIFIED: Final[WebhookPauseReason]
WEBHOOK_PAUSE_REASON_OWNER: Final[WebhookPauseReason]
"""Its owner paused it."""
WEBHOOK_PAUSE_REASON_FAILING: Final[WebhookPauseReason]
"""An event could not be delivered for 3 days."""
WEBHOOK_PAUSE_REASON_GONE: Final[WebhookPauseReason]
"""The receiver answered 410 Gone."""

class DeliveryState(int):
    """The state of a delivery."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> DeliveryState: ...

DELIVERY_STATE_UNSPECIFIED: Final[DeliveryState]
DELIVERY_STATE_PENDING: Final[DeliveryState]
"""It is yet to be sent for the first time, or again because RedeliverEvents asked for it."""
DELIVERY_STATE_RETRYING: Final[DeliveryState]
"""An attempt failed, and there will be another one."""
DELIVERY_STATE_DELIVERED: Final[DeliveryState]
"""The receiver took it."""
DELIVERY_STATE_EXPIRED: Final[DeliveryState]
"""It is not sent any more, because the event was older than 30 days before the receiver took it."""

class HttpBody(Message):
    """Message that represents an arbitrary HTTP body. It should only be used for payload formats that can't be represented as JSON, such as raw binary or an HTML page.
    
    This message can be used both in streaming and non-streaming API methods in the request as well as the response.
    
    It can be used as a top-level request field, which is convenient if one wants to extract parameters from either the URL or HTTP template into the request fields and also want access to the raw HTTP body.
    
    Example:
    
    message GetResourceRequest { // A unique request id. string request_id = 1;
    
    // The raw HTTP body is bound to this field. google.api.HttpBody http_body = 2;
    
    }
    
    service ResourceService { rpc GetResource(GetResourceRequest) returns (google.api.HttpBody); rpc UpdateResource(google.api.HttpBody) returns (google.protobuf.Empty);
    
    }
    
    Example with streaming methods:
    
    service CaldavService { rpc GetCalendar(stream google.api.HttpBody) returns (stream google.api.HttpBody); rpc UpdateCalendar(stream google.api.HttpBody) returns (stream google.api.HttpBody);
    
    }
    
    Use of this type only changes how the request and response bodies are handled, all other features will continue to work unchanged."""
    content_type: str
    """The HTTP Content-Type header value specifying the content type of the body."""
    data: bytes
    """The HTTP request/response body as raw binary."""
    @property
    def extensions(self) -> RepeatedCompositeFieldContainer[AnyMessage]:
        """Application specific response metadata. Must be set in the first response for streaming APIs."""
    def __init__(
        self,
        *,
        content_type: str | None = ...,
        data: bytes | None = ...,
        extensions: Iterable[AnyMessage | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class Event(Message):
    """Something that happened. It never changes: whoever reads it again reads the same."""
    event_id: str
    """A UUID: that of the transfer, or the event's own. Who may read an event twice tells by it."""
    sequence: int
    """Its number in the feed, from 1 on and without gaps. Each transfer has one, and so has each other event."""
    cursor: str
    """With it as `after_cursor` one goes on right after this event."""
    type: str
    """What happened: `transfer.posted`, `transfer.missing`, `sprinkle.created`, `sprinkle.claimed`, `sprinkle.emptied`, `sprinkle.expired`, `sprinkle.cancelled`, `hold.created`, `hold.captured`, `hold.voided`, `hold.expired`, `gift.created`, `gift.accepted`, `gift.declined`, `gift.cancelled`, `gift.expired`, `payout.completed`, `payout.cancelled`, `wallet.frozen`, `wallet.unfrozen`, `wallet.closed`, `limit.reached`, `key.expiring`, `webhook.paused`, `webhook.events_expired`. There may come more: pass over those that you do not know. Empty in a sign of life of StreamEvents.
    
    `transfer.missing` stands in the place of a transfer that the database has lost, and is told to those who select `transfer.posted`, too. Treat what that transfer did as unknown. Where it is found again, its `transfer.posted` can be read in the same place, with an `event_id` of its own."""
    schema_version: int
    """The version of the data; it is raised where a field comes to mean something else."""
    subject: str
    """What it is about, the kind and the id: `transfers/0190…`, `wallets/…`, `users/…`."""
    @property
    def occurred_at(self) -> Timestamp:
        """When it happened."""
    @property
    def transfer(self) -> TransferEvent:
        """Of transfer.posted, and of transfer.missing, where it has the id of the transfer alone."""
    @property
    def sprinkle(self) -> SprinkleEvent:
        """Of sprinkle.*."""
    @property
    def hold(self) -> HoldEvent:
        """Of hold.*."""
    @property
    def gift(self) -> GiftEvent:
        """Of gift.*."""
    @property
    def payout(self) -> PayoutEvent:
        """Of payout.*."""
    @property
    def wallet(self) -> WalletEvent:
        """Of wallet.*."""
    @property
    def key(self) -> KeyEvent:
        """Of key.*."""
    @property
    def webhook(self) -> WebhookEvent:
        """Of webhook.*."""
    @property
    def limit(self) -> LimitEvent:
        """Of limit.*."""
    def __init__(
        self,
        *,
        event_id: str | None = ...,
        sequence: int | None = ...,
        cursor: str | None = ...,
        type: str | None = ...,
        schema_version: int | None = ...,
        subject: str | None = ...,
        occurred_at: datetime | None = ...,
        transfer: TransferEvent | Mapping[str, Any] | None = ...,
        sprinkle: SprinkleEvent | Mapping[str, Any] | None = ...,
        hold: HoldEvent | Mapping[str, Any] | None = ...,
        gift: GiftEvent | Mapping[str, Any] | None = ...,
        payout: PayoutEvent | Mapping[str, Any] | None = ...,
        wallet: WalletEvent | Mapping[str, Any] | None = ...,
        key: KeyEvent | Mapping[str, Any] | None = ...,
        webhook: WebhookEvent | Mapping[str, Any] | None = ...,
        limit: LimitEvent | Mapping[str, Any] | None = ...,
    ) -> None: ...

class TransferEvent(Message):
    """A transfer was posted."""
    @property
    def transfer(self) -> Transfer:
        """The transfer as it was posted: `refunded_amount` is 0, and `reference` and `labels` are those of whoever made it."""
    @property
    def debit_balance_after(self) -> Money:
        """The balance of the debited wallet right after it; absent where that was no wallet."""
    @property
    def credit_balance_after(self) -> Money:
        """The balance of the credited wallet right after it; absent where that was no wallet."""
    def __init__(
        self,
        *,
        transfer: Transfer | Mapping[str, Any] | None = ...,
        debit_balance_after: Money | Mapping[str, Any] | None = ...,
        credit_balance_after: Money | Mapping[str, Any] | None = ...,
    ) -> None: ...

class SprinkleEvent(Message):
    """A sprinkle as it was then."""
    sprinkle_id: str
    """The id of the sprinkle."""
    room_id: str
    """The room that it is in."""
    creator_user_id: int
    """Who made it."""
    @property
    def amount(self) -> Money:
        """What was dropped."""
    headcount: int
    """How many users can claim a share."""
    claimed_count: int
    """How many have."""
    claimer_user_id: int
    """Of sprinkle.claimed: who claimed; otherwise 0."""
    @property
    def claimed_amount(self) -> Money:
        """Of sprinkle.claimed: the share; otherwise absent."""
    transfer_id: str
    """Of sprinkle.claimed: the transfer that moved the share; otherwise empty."""
    def __init__(
        self,
        *,
        sprinkle_id: str | None = ...,
        room_id: str | None = ...,
        creator_user_id: int | None = ...,
        amount: Money | Mapping[str, Any] | None = ...,
        headcount: int | None = ...,
        claimed_count: int | None = ...,
        claimer_user_id: int | None = ...,
        claimed_amount: Money | Mapping[str, Any] | None = ...,
        transfer_id: str | None = ...,
    ) -> None: ...

class HoldEvent(Message):
    """A hold as it was then."""
    hold_id: str
    """The id of the hold."""
    wallet_id: str
    """The wallet that the money is of."""
    user_id: int
    """The user of that wallet."""
    credit_wallet_id: str
    """The wallet that captures pay; empty where the holder names one with each capture."""
    credit_user_id: int
    """The user of that wallet; 0 where there is none."""
    @property
    def amount(self) -> Money:
        """What was set aside."""
    @property
    def captured_amount(self) -> Money:
        """How much of it was captured so far."""
    state: HoldState
    """Its state since then."""
    def __init__(
        self,
        *,
        hold_id: str | None = ...,
        wallet_id: str | None = ...,
        user_id: int | None = ...,
        credit_wallet_id: str | None = ...,
        credit_user_id: int | None = ...,
        amount: Money | Mapping[str, Any] | None = ...,
        captured_amount: Money | Mapping[str, Any] | None = ...,
        state: HoldState | str | None = ...,
    ) -> None: ...

class GiftEvent(Message):
    """A gift as it was then."""
    gift_id: str
    """The id of the gift."""
    wallet_id: str
    """The sender's wallet."""
    user_id: int
    """The sender."""
    credit_user_id: int
    """The receiver."""
    @property
    def amount(self) -> Money:
        """What was set aside."""
    state: GiftState
    """Its state since then."""
    def __init__(
        self,
        *,
        gift_id: str | None = ...,
        wallet_id: str | None = ...,
        user_id: int | None = ...,
        credit_user_id: int | None = ...,
        amount: Money | Mapping[str, Any] | None = ...,
        state: GiftState | str | None = ...,
    ) -> None: ...

class PayoutEvent(Message):
    """A payout when it ended."""
    payout_id: str
    """The id of the payout."""
    wallet_id: str
    """The wallet that paid."""
    user_id: int
    """The user of that wallet."""
    @property
    def paid_amount(self) -> Money:
        """The sum of the lines that are paid."""
    paid_count: int
    """How many lines are paid."""
    failed_count: int
    """How many lines failed."""
    line_count: int
    """How many lines it has."""
    def __init__(
        self,
        *,
        payout_id: str | None = ...,
        wallet_id: str | None = ...,
        user_id: int | None = ...,
        paid_amount: Money | Mapping[str, Any] | None = ...,
        paid_count: int | None = ...,
        failed_count: int | None = ...,
        line_count: int | None = ...,
    ) -> None: ...

class WalletEvent(Message):
    """A wallet was closed, or a wallet or a user with all wallets was frozen or unfrozen."""
    wallet_id: str
    """Empty where a user was frozen."""
    user_id: int
    """The user, or the user of the wallet."""
    direction: FreezeDirection
    """Of wallet.frozen and wallet.unfrozen."""
    @property
    def frozen_until(self) -> Timestamp:
        """Of wallet.frozen and wallet.unfrozen: from then on the freeze restricts nothing, without another event."""
    def __init__(
        self,
        *,
        wallet_id: str | None = ...,
        user_id: int | None = ...,
        direction: FreezeDirection | str | None = ...,
        frozen_until: datetime | None = ...,
    ) -> None: ...

class LimitEvent(Message):
    """A limit of a user refused something: money that the user would have sent or received, whoever asked for it. It is told once on a day for each limit, however often it refuses."""
    user_id: int
    """Whose limit it is."""
    currency_code: str
    """The currency that is limited: an ISO 4217 code."""
    kind: LimitKind
    """What is limited; never LIMIT_KIND_CALL, which nothing uses up."""
    @property
    def limit(self) -> Money:
        """The most that is allowed; absent with LIMIT_KIND_DAY_COUNT."""
    count_limit: int
    """With LIMIT_KIND_DAY_COUNT, how often something may go out; 0 with others."""
    @property
    def resets_at(self) -> Timestamp:
        """When the day or the month is over and all of the limit is left again; absent with LIMIT_KIND_HELD."""
    def __init__(
        self,
        *,
        user_id: int | None = ...,
        currency_code: str | None = ...,
        kind: LimitKind | str | None = ...,
        limit: Money | Mapping[str, Any] | None = ...,
        count_limit: int | None = ...,
        resets_at: datetime | None = ...,
    ) -> None: ...

class KeyEvent(Message):
    """An API key."""
    key_id: str
    """The id of the key."""
    @property
    def expires_at(self) -> Timestamp:
        """When it expires."""
    def __init__(
        self,
        *,
        key_id: str | None = ...,
        expires_at: datetime | None = ...,
    ) -> None: ...

class WebhookEvent(Message):
    """A webhook."""
    webhook_id: str
    """The id of the webhook."""
    first_sequence: int
    """Of webhook.events_expired: the first event that was not sent because it was kept no longer; 0 otherwise."""
    last_sequence: int
    """Of webhook.events_expired: the last one; 0 otherwise. Events of types that the webhook does not send are counted in."""
    def __init__(
        self,
        *,
        webhook_id: str | None = ...,
        first_sequence: int | None = ...,
        last_sequence: int | None = ...,
    ) -> None: ...

class ListEventsRequest(Message):
    """Which events to list."""
    after_cursor: str
    """The `cursor` of an event or a `next_cursor`. Empty begins with the oldest event that is kept, `latest` with what happens from now on."""
    @property
    def types(self) -> RepeatedScalarFieldContainer[str]:
        """The types to list; all of them when empty."""
    page_size: int
    """At most so many events, 1 to 100; 20 when 0."""
    def __init__(
        self,
        *,
        after_cursor: str | None = ...,
        types: Iterable[str] | None = ...,
        page_size: int | None = ...,
    ) -> None: ...

class ListEventsResponse(Message):
    """A page of events."""
    @property
    def events(self) -> RepeatedCompositeFieldContainer[Event]:
        """The oldest first."""
    next_cursor: str
    """Where the next page begins. Never empty."""
    feed_epoch: str
    """The feed that these events are of; another one begins after a restore, and then cursors of this one are refused."""
    def __init__(
        self,
        *,
        events: Iterable[Event | Mapping[str, Any]] | None = ...,
        next_cursor: str | None = ...,
        feed_epoch: str | None = ...,
    ) -> None: ...

class StreamEventsRequest(Message):
    """Which events to stream."""
    after_cursor: str
    """The `cursor` of an event or a `next_cursor`. Empty begins with the oldest event that is kept, `latest` with what happens from now on."""
    @property
    def types(self) -> RepeatedScalarFieldContainer[str]:
        """The types to stream; all of them when empty."""
    def __init__(
        self,
        *,
        after_cursor: str | None = ...,
        types: Iterable[str] | None = ...,
    ) -> None: ...

class Gift(Message):
    """Money that its receiver accepts or declines."""
    gift_id: str
    """The id of the gift, a UUID."""
    sender_user_id: int
    """Who sent it."""
    receiver_user_id: int
    """Whom it is for."""
    wallet_id: str
    """The wallet that the money came from; only its sender sees it."""
    @property
    def amount(self) -> Money:
        """What was sent; all of it is accepted or returns."""
    message: str
    """What the sender wrote to the receiver."""
    state: GiftState
    @property
    def created_at(self) -> Timestamp:
        """When it was sent."""
    @property
    def expires_at(self) -> Timestamp:
        """From this moment on it cannot be accepted, and the money returns to its sender."""
    @property
    def closed_at(self) -> Timestamp:
        """When it was accepted, or when the money returned; absent until then."""
    reference: str
    """The reference that its sender gave it; empty where there is none, and to its receiver."""
    @property
    def labels(self) -> RepeatedCompositeFieldContainer[Label]:
        """The labels that its sender attached to it, in the order of the request; none to its receiver."""
    def __init__(
        self,
        *,
        gift_id: str | None = ...,
        sender_user_id: int | None = ...,
        receiver_user_id: int | None = ...,
        wallet_id: str | None = ...,
        amount: Money | Mapping[str, Any] | None = ...,
        message: str | None = ...,
        state: GiftState | str | None = ...,
        created_at: datetime | None = ...,
        expires_at: datetime | None = ...,
        closed_at: datetime | None = ...,
        reference: str | None = ...,
        labels: Iterable[Label | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class CreateGiftRequest(Message):
    """Asks to send a gift."""
    wallet_id: str
    """A wallet of the acting user; its default wallet when left out."""
    credit_user_id: int
    """Whom it is for: any other user."""
    @property
    def amount(self) -> Money:
        """What to send: 1 to 9,007,199,254,740,991 smallest units of the wallet's currency."""
    @property
    def expires_in(self) -> Duration:
        """How long it can be accepted: 60 seconds to 30 days; 3 days when left out."""
    message: str
    """What its receiver reads. At most 200 characters, no control or invisible characters."""
    reference: str
    """The sender's own name for the gift, such as an order's number: 1 to 128 visible ASCII characters; empty for none. The gift has it among the user's gifts, and the transfer that fills it among the user's transfers: in each of these it is given once, for good. Nobody else sees it."""
    @property
    def labels(self) -> RepeatedCompositeFieldContainer[Label]:
        """Up to 20 labels of the gift and of the transfer that fills it, which nobody else sees."""
    def __init__(
        self,
        *,
        wallet_id: str | None = ...,
        credit_user_id: int | None = ...,
        amount: Money | Mapping[str, Any] | None = ...,
        expires_in: timedelta | None = ...,
        message: str | None = ...,
        reference: str | None = ...,
        labels: Iterable[Label | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class CreateGiftResponse(Message):
    """The gift."""
    @property
    def gift(self) -> Gift: ...
    @property
    def balance(self) -> Money:
        """The wallet's balance right after."""
    def __init__(
        self,
        *,
        gift: Gift | Mapping[str, Any] | None = ...,
        balance: Money | Mapping[str, Any] | None = ...,
    ) -> None: ...

class AcceptGiftRequest(Message):
    """Asks to accept a gift."""
    gift_id: str
    """An open gift for the acting user."""
    wallet_id: str
    """The acting user's wallet that the money goes to, of the gift's currency; its default wallet when left out."""
    def __init__(
        self,
        *,
        gift_id: str | None = ...,
        wallet_id: str | None = ...,
    ) -> None: ...

class AcceptGiftResponse(Message):
    """The gift, accepted."""
    @property
    def gift(self) -> Gift: ...
    @property
    def transfer(self) -> Transfer:
        """The transfer that moved the money."""
    @property
    def balance(self) -> Money:
        """The balance of the wallet that got it, right after."""
    def __init__(
        self,
        *,
        gift: Gift | Mapping[str, Any] | None = ...,
        transfer: Transfer | Mapping[str, Any] | None = ...,
        balance: Money | Mapping[str, Any] | None = ...,
    ) -> None: ...

class DeclineGiftRequest(Message):
    """Asks to decline a gift."""
    gift_id: str
    """An open gift for the acting user."""
    def __init__(
        self,
        *,
        gift_id: str | None = ...,
    ) -> None: ...

class DeclineGiftResponse(Message):
    """The gift, declined."""
    @property
    def gift(self) -> Gift: ...
    def __init__(
        self,
        *,
        gift: Gift | Mapping[str, Any] | None = ...,
    ) -> None: ...

class CancelGiftRequest(Message):
    """Asks to cancel a gift."""
    gift_id: str
    """An open gift that the acting user sent."""
    def __init__(
        self,
        *,
        gift_id: str | None = ...,
    ) -> None: ...

class CancelGiftResponse(Message):
    """The gift, cancelled."""
    @property
    def gift(self) -> Gift: ...
    @property
    def balance(self) -> Money:
        """The balance right after of the wallet that it came from."""
    def __init__(
        self,
        *,
        gift: Gift | Mapping[str, Any] | None = ...,
        balance: Money | Mapping[str, Any] | None = ...,
    ) -> None: ...

class GetGiftRequest(Message):
    """Asks for a gift."""
    gift_id: str
    """A gift that the acting user sent, or one for the acting user; left out where `reference` is given."""
    reference: str
    """The reference of a gift that the acting user sent, instead of its id: the whole of it, compared byte by byte."""
    def __init__(
        self,
        *,
        gift_id: str | None = ...,
        reference: str | None = ...,
    ) -> None: ...

class GetGiftResponse(Message):
    """The gift."""
    @property
    def gift(self) -> Gift: ...
    def __init__(
        self,
        *,
        gift: Gift | Mapping[str, Any] | None = ...,
    ) -> None: ...

class ListGiftsRequest(Message):
    """Asks for one page of gifts."""
    direction: GiftDirection
    """Only those sent or only those received; both when unspecified."""
    @property
    def states(self) -> RepeatedScalarFieldContainer[GiftState]:
        """Only those in these states; all when empty."""
    page_size: int
    """How many to return at most, 1 to 100; 0 means 20."""
    page_token: str
    """next_page_token of the page before; empty for the first page."""
    def __init__(
        self,
        *,
        direction: GiftDirection | str | None = ...,
        states: Iterable[GiftState | str] | None = ...,
        page_size: int | None = ...,
        page_token: str | None = ...,
    ) -> None: ...

class ListGiftsResponse(Message):
    """One page of gifts."""
    @property
    def gifts(self) -> RepeatedCompositeFieldContainer[Gift]: ...
    next_page_token: str
    """Pass it as page_token to get the next page; empty on the last one."""
    def __init__(
        self,
        *,
        gifts: Iterable[Gift | Mapping[str, Any]] | None = ...,
        next_page_token: str | None = ...,
    ) -> None: ...

class Hold(Message):
    """Money that is set aside."""
    hold_id: str
    """The id of the hold, a UUID."""
    wallet_id: str
    """The wallet that the money came from."""
    user_id: int
    """The holder: the user of that wallet."""
    credit_wallet_id: str
    """The wallet that captures go to; empty where the hold names no receiver."""
    credit_user_id: int
    """The receiver: the user of that wallet; 0 where the hold names none."""
    @property
    def amount(self) -> Money:
        """What was set aside."""
    @property
    def captured_amount(self) -> Money:
        """How much of it was captured."""
    @property
    def remaining_amount(self) -> Money:
        """How much is still set aside."""
    state: HoldState
    reason: str
    """What it is for; both sides see it."""
    @property
    def created_at(self) -> Timestamp:
        """When it was made."""
    @property
    def expires_at(self) -> Timestamp:
        """From this moment on it cannot be captured, and what is left returns to the wallet."""
    @property
    def closed_at(self) -> Timestamp:
        """When it was captured in whole, voided, or what was left returned; absent while it is open."""
    reference: str
    """The reference that its user gave it; empty where there is none, and to its receiver."""
    @property
    def labels(self) -> RepeatedCompositeFieldContainer[Label]:
        """The labels that its user attached to it, in the order of the request; none to its receiver."""
    def __init__(
        self,
        *,
        hold_id: str | None = ...,
        wallet_id: str | None = ...,
        user_id: int | None = ...,
        credit_wallet_id: str | None = ...,
        credit_user_id: int | None = ...,
        amount: Money | Mapping[str, Any] | None = ...,
        captured_amount: Money | Mapping[str, Any] | None = ...,
        remaining_amount: Money | Mapping[str, Any] | None = ...,
        state: HoldState | str | None = ...,
        reason: str | None = ...,
        created_at: datetime | None = ...,
        expires_at: datetime | None = ...,
        closed_at: datetime | None = ...,
        reference: str | None = ...,
        labels: Iterable[Label | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class CreateHoldRequest(Message):
    """Asks to set money aside."""
    wallet_id: str
    """A wallet of the acting user."""
    @property
    def amount(self) -> Money:
        """What to set aside: 1 to 9,007,199,254,740,991 smallest units of the wallet's currency."""
    credit_wallet_id: str
    """Any other wallet of the same currency."""
    credit_user_id: int
    """That user's default wallet."""
    @property
    def expires_in(self) -> Duration:
        """How long it can be captured: 60 seconds to 90 days; 7 days when left out."""
    reason: str
    """What it is for; both sides see it. At most 200 characters, no control or invisible characters."""
    reference: str
    """The user's own name for the hold, such as an order's number: 1 to 128 visible ASCII characters; empty for none. A user gives it to one of their holds only, for good, and nobody else sees it."""
    @property
    def labels(self) -> RepeatedCompositeFieldContainer[Label]:
        """Up to 20 labels, which nobody else sees."""
    def __init__(
        self,
        *,
        wallet_id: str | None = ...,
        amount: Money | Mapping[str, Any] | None = ...,
        credit_wallet_id: str | None = ...,
        credit_user_id: int | None = ...,
        expires_in: timedelta | None = ...,
        reason: str | None = ...,
        reference: str | None = ...,
        labels: Iterable[Label | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class CreateHoldResponse(Message):
    """The hold."""
    @property
    def hold(self) -> Hold: ...
    @property
    def balance(self) -> Money:
        """The wallet's balance right after."""
    def __init__(
        self,
        *,
        hold: Hold | Mapping[str, Any] | None = ...,
        balance: Money | Mapping[str, Any] | None = ...,
    ) -> None: ...

class CaptureHoldRequest(Message):
    """Asks to pay what is held."""
    hold_id: str
    """An open hold: of the acting user, or for it."""
    @property
    def amount(self) -> Money:
        """How much to pay, at most what is left; all that is left when left out."""
    final: bool
    """Whether what is left after this capture is given back at once. Otherwise more can be captured until the hold expires."""
    credit_wallet_id: str
    """Any other wallet of the same currency."""
    credit_user_id: int
    """That user's default wallet."""
    def __init__(
        self,
        *,
        hold_id: str | None = ...,
        amount: Money | Mapping[str, Any] | None = ...,
        final: bool | None = ...,
        credit_wallet_id: str | None = ...,
        credit_user_id: int | None = ...,
    ) -> None: ...

class CaptureHoldResponse(Message):
    """The capture, done."""
    @property
    def hold(self) -> Hold:
        """The hold right after."""
    @property
    def transfer(self) -> Transfer: ...
    def __init__(
        self,
        *,
        hold: Hold | Mapping[str, Any] | None = ...,
        transfer: Transfer | Mapping[str, Any] | None = ...,
    ) -> None: ...

class VoidHoldRequest(Message):
    """Asks to give back what is held."""
    hold_id: str
    """An open hold: of the acting user, or for it."""
    def __init__(
        self,
        *,
        hold_id: str | None = ...,
    ) -> None: ...

class VoidHoldResponse(Message):
    """The hold, voided."""
    @property
    def hold(self) -> Hold: ...
    @property
    def balance(self) -> Money:
        """The wallet's balance right after, for the holder; absent for the receiver."""
    def __init__(
        self,
        *,
        hold: Hold | Mapping[str, Any] | None = ...,
        balance: Money | Mapping[str, Any] | None = ...,
    ) -> None: ...

class GetHoldRequest(Message):
    """Asks for a hold."""
    hold_id: str
    """A hold: of the acting user, or for it; left out where `reference` is given."""
    reference: str
    """The reference of a hold of the acting user, instead of its id: the whole of it, compared byte by byte."""
    def __init__(
        self,
        *,
        hold_id: str | None = ...,
        reference: str | None = ...,
    ) -> None: ...

class GetHoldResponse(Message):
    """The hold."""
    @property
    def hold(self) -> Hold: ...
    def __init__(
        self,
        *,
        hold: Hold | Mapping[str, Any] | None = ...,
    ) -> None: ...

class ListHoldsRequest(Message):
    """Asks for one page of holds."""
    wallet_id: str
    """A wallet of the acting user."""
    @property
    def states(self) -> RepeatedScalarFieldContainer[HoldState]:
        """Only those in these states; all when empty."""
    page_size: int
    """How many to return at most, 1 to 100; 0 means 20."""
    page_token: str
    """next_page_token of the page before; empty for the first page."""
    def __init__(
        self,
        *,
        wallet_id: str | None = ...,
        states: Iterable[HoldState | str] | None = ...,
        page_size: int | None = ...,
        page_token: str | None = ...,
    ) -> None: ...

class ListHoldsResponse(Message):
    """One page of holds."""
    @property
    def holds(self) -> RepeatedCompositeFieldContainer[Hold]: ...
    next_page_token: str
    """Pass it as page_token to get the next page; empty on the last one."""
    def __init__(
        self,
        *,
        holds: Iterable[Hold | Mapping[str, Any]] | None = ...,
        next_page_token: str | None = ...,
    ) -> None: ...

class Label(Message):
    """A label that a user attaches to something, for the user alone. Keys and values are compared byte by byte: letters that look alike, and one letter written in two ways of Unicode, are different."""
    key: str
    """1 to 64 ASCII letters, digits, hyphens, underscores, dots or slashes, the first a letter or digit; once on each thing."""
    value: str
    """1 to 256 bytes of UTF-8, no control or invisible characters."""
    def __init__(
        self,
        *,
        key: str | None = ...,
        value: str | None = ...,
    ) -> None: ...

class Limit(Message):
    """A limit of a user in a currency, and how the user stands against it."""
    kind: LimitKind
    @property
    def limit(self) -> Money:
        """The most that is allowed; absent with LIMIT_KIND_DAY_COUNT."""
    @property
    def used(self) -> Money:
        """What is used of it; absent with LIMIT_KIND_DAY_COUNT."""
    @property
    def left(self) -> Money:
        """What is left of it, 0 where more is used than is allowed; absent with LIMIT_KIND_DAY_COUNT."""
    @property
    def resets_at(self) -> Timestamp:
        """When the day or the month is over and all of the limit is left again; absent with LIMIT_KIND_HELD and LIMIT_KIND_CALL."""
    count_limit: int
    """With LIMIT_KIND_DAY_COUNT, how often something may go out; 0 with others."""
    count_left: int
    """With LIMIT_KIND_DAY_COUNT, how often that is left; 0 with others."""
    def __init__(
        self,
        *,
        kind: LimitKind | str | None = ...,
        limit: Money | Mapping[str, Any] | None = ...,
        used: Money | Mapping[str, Any] | None = ...,
        left: Money | Mapping[str, Any] | None = ...,
        resets_at: datetime | None = ...,
        count_limit: int | None = ...,
        count_left: int | None = ...,
    ) -> None: ...

class Money(Message):
    """An amount of money, in the smallest unit of its currency: 1050 with USD is 10.50 dollars, 1050 with KRW is 1,050 won."""
    currency_code: str
    """ISO 4217, three capital letters: KRW, USD, EUR, JPY."""
    minor_units: int
    """In requests 1 to 9,007,199,254,740,991 (the largest whole number that every JSON client keeps exact)."""
    def __init__(
        self,
        *,
        currency_code: str | None = ...,
        minor_units: int | None = ...,
    ) -> None: ...

class Payout(Message):
    """A payout as its owner sees it."""
    payout_id: str
    """The id of the payout, a UUID."""
    mode: PayoutMode
    state: PayoutState
    memo: str
    """The note for its owner's own history."""
    line_count: int
    """How many lines it has. Those that are neither paid nor failed are still to be paid."""
    bad_line_count: int
    """How many lines were found bad when they were added."""
    paid_count: int
    """How many lines are paid."""
    failed_count: int
    """How many lines failed so far; bad lines fail when their turn comes."""
    @property
    def total_amount(self) -> Money:
        """The sum of the lines that are not bad; 0 where the sum is above 9,223,372,036,854,775,807, more than any wallet holds."""
    @property
    def funded_amount(self) -> Money:
        """What was set aside when it was started."""
    @property
    def paid_amount(self) -> Money:
        """The sum of the lines that are paid."""
    @property
    def created_at(self) -> Timestamp:
        """When the draft was created."""
    @property
    def started_at(self) -> Timestamp:
        """When it was started; absent in a draft."""
    @property
    def ended_at(self) -> Timestamp:
        """When it was done or cancelled and what was left went back; absent before."""
    reference: str
    """The reference that its user gave it; empty where there is none."""
    @property
    def labels(self) -> RepeatedCompositeFieldContainer[Label]:
        """The labels that its user attached to it, in the order of the request."""
    def __init__(
        self,
        *,
        payout_id: str | None = ...,
        mode: PayoutMode | str | None = ...,
        state: PayoutState | str | None = ...,
        memo: str | None = ...,
        line_count: int | None = ...,
        bad_line_count: int | None = ...,
        paid_count: int | None = ...,
        failed_count: int | None = ...,
        total_amount: Money | Mapping[str, Any] | None = ...,
        funded_amount: Money | Mapping[str, Any] | None = ...,
        paid_amount: Money | Mapping[str, Any] | None = ...,
        created_at: datetime | None = ...,
        started_at: datetime | None = ...,
        ended_at: datetime | None = ...,
        reference: str | None = ...,
        labels: Iterable[Label | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class PayoutLine(Message):
    """A line to pay."""
    user_id: int
    """That user's default wallet."""
    wallet_id: str
    """Any wallet of the same currency."""
    @property
    def amount(self) -> Money:
        """What to pay, 1 to 9,007,199,254,740,991 smallest units of the wallet's currency. Another amount or currency makes the line a bad one."""
    key: str
    """The caller's own name for the line, at most 64 visible ASCII characters. A line with the key of an earlier one is bad, so that a recipient who is listed twice is paid once. Empty: no name."""
    memo: str
    """A note that both sides see; at most 200 characters, no control or invisible characters."""
    reference: str
    """The user's own name for the line's transfer, such as an order's number: 1 to 128 visible ASCII characters; empty for none. A user gives it to one of their transfers only, for good, and nobody else sees it."""
    @property
    def labels(self) -> RepeatedCompositeFieldContainer[Label]:
        """Up to 20 labels, which nobody else sees."""
    def __init__(
        self,
        *,
        user_id: int | None = ...,
        wallet_id: str | None = ...,
        amount: Money | Mapping[str, Any] | None = ...,
        key: str | None = ...,
        memo: str | None = ...,
        reference: str | None = ...,
        labels: Iterable[Label | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class PayoutFailure(Message):
    """A line that is not paid, and why."""
    line: int
    """The number of the line, from 1 on."""
    key: str
    """The key of the line; empty where it has none."""
    code: str
    """ERR001, ERR005 or ERR006, as in the metadata of google.rpc.ErrorInfo."""
    reason: str
    """USER_NOT_FOUND, WALLET_NOT_FOUND, SELF_TRANSFER, CURRENCY_MISMATCH, UNKNOWN_CURRENCY, INVALID_FIELD (the amount), LINE_KEY_REUSED, REFERENCE_REUSED, BALANCE_TOO_LOW, BALANCE_TOO_HIGH."""
    message: str
    """What is wrong, in English."""
    field: str
    """The field of the line that is wrong; empty where no one field is."""
    def __init__(
        self,
        *,
        line: int | None = ...,
        key: str | None = ...,
        code: str | None = ...,
        reason: str | None = ...,
        message: str | None = ...,
        field: str | None = ...,
    ) -> None: ...

class CreatePayoutRequest(Message):
    """Asks for a draft."""
    wallet_id: str
    """The acting user's wallet that will pay."""
    mode: PayoutMode
    memo: str
    """A note for the acting user's own history; at most 200 characters, no control or invisible characters."""
    reference: str
    """The user's own name for the payout, such as an order's number: 1 to 128 visible ASCII characters; empty for none. A user gives it to one of their payouts only, for good, and nobody else sees it."""
    @property
    def labels(self) -> RepeatedCompositeFieldContainer[Label]:
        """Up to 20 labels, which nobody else sees."""
    def __init__(
        self,
        *,
        wallet_id: str | None = ...,
        mode: PayoutMode | str | None = ...,
        memo: str | None = ...,
        reference: str | None = ...,
        labels: Iterable[Label | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class CreatePayoutResponse(Message):
    """The draft."""
    @property
    def payout(self) -> Payout: ...
    def __init__(
        self,
        *,
        payout: Payout | Mapping[str, Any] | None = ...,
    ) -> None: ...

class AddPayoutLinesRequest(Message):
    """Lines to add."""
    payout_id: str
    """A draft of the acting user."""
    first_line: int
    """The number of the first of these lines: 1 in the first call, then one more than the payout has; at most 100,000."""
    @property
    def lines(self) -> RepeatedCompositeFieldContainer[PayoutLine]:
        """1 to 1,000 lines, which have at most 5,000 labels together."""
    def __init__(
        self,
        *,
        payout_id: str | None = ...,
        first_line: int | None = ...,
        lines: Iterable[PayoutLine | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class AddPayoutLinesResponse(Message):
    """The lines were added."""
    line_count: int
    """How many lines the payout has now."""
    @property
    def bad_lines(self) -> RepeatedCompositeFieldContainer[PayoutFailure]:
        """The lines of this call that will not be paid."""
    def __init__(
        self,
        *,
        line_count: int | None = ...,
        bad_lines: Iterable[PayoutFailure | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class StartPayoutRequest(Message):
    """Asks to start a payout."""
    payout_id: str
    """A draft of the acting user."""
    line_count: int
    """How many lines the payout must have, 1 to 100,000. One with another number is not started."""
    def __init__(
        self,
        *,
        payout_id: str | None = ...,
        line_count: int | None = ...,
    ) -> None: ...

class StartPayoutResponse(Message):
    """The payout, running."""
    @property
    def payout(self) -> Payout: ...
    def __init__(
        self,
        *,
        payout: Payout | Mapping[str, Any] | None = ...,
    ) -> None: ...

class GetPayoutRequest(Message):
    """Asks how far a payout is."""
    payout_id: str
    """A payout of the acting user; left out where `reference` is given."""
    reference: str
    """The reference of a payout of the acting user, instead of its id: the whole of it, compared byte by byte."""
    def __init__(
        self,
        *,
        payout_id: str | None = ...,
        reference: str | None = ...,
    ) -> None: ...

class GetPayoutResponse(Message):
    """The payout."""
    @property
    def payout(self) -> Payout: ...
    def __init__(
        self,
        *,
        payout: Payout | Mapping[str, Any] | None = ...,
    ) -> None: ...

class WatchPayoutRequest(Message):
    """A request for the progress of a payout."""
    payout_id: str
    """A payout of the acting user."""
    def __init__(
        self,
        *,
        payout_id: str | None = ...,
    ) -> None: ...

class WatchPayoutResponse(Message):
    """The current state of the payout."""
    @property
    def payout(self) -> Payout: ...
    def __init__(
        self,
        *,
        payout: Payout | Mapping[str, Any] | None = ...,
    ) -> None: ...

class ListPayoutFailuresRequest(Message):
    """Asks for one page of the lines that are not paid for a reason."""
    payout_id: str
    """A payout of the acting user."""
    page_size: int
    """How many to return at most, 1 to 100; 0 means 20."""
    page_token: str
    """next_page_token of the page before; empty for the first page."""
    def __init__(
        self,
        *,
        payout_id: str | None = ...,
        page_size: int | None = ...,
        page_token: str | None = ...,
    ) -> None: ...

class ListPayoutFailuresResponse(Message):
    """One page of the lines that are not paid."""
    @property
    def failures(self) -> RepeatedCompositeFieldContainer[PayoutFailure]: ...
    next_page_token: str
    """Pass it as page_token to get the next page; empty on the last one."""
    def __init__(
        self,
        *,
        failures: Iterable[PayoutFailure | Mapping[str, Any]] | None = ...,
        next_page_token: str | None = ...,
    ) -> None: ...

class CancelPayoutRequest(Message):
    """Asks to cancel a payout."""
    payout_id: str
    """A payout of the acting user that is not done."""
    def __init__(
        self,
        *,
        payout_id: str | None = ...,
    ) -> None: ...

class CancelPayoutResponse(Message):
    """The payout, cancelled."""
    @property
    def payout(self) -> Payout: ...
    def __init__(
        self,
        *,
        payout: Payout | Mapping[str, Any] | None = ...,
    ) -> None: ...

class GetReceiptRequest(Message):
    """Asks for a receipt."""
    transfer_id: str
    """A transfer from or to a wallet of the acting user."""
    def __init__(
        self,
        *,
        transfer_id: str | None = ...,
    ) -> None: ...

class GetReceiptResponse(Message):
    """The receipt."""
    @property
    def receipt(self) -> Receipt: ...
    def __init__(
        self,
        *,
        receipt: Receipt | Mapping[str, Any] | None = ...,
    ) -> None: ...

class Receipt(Message):
    """A proof that a transfer is in the log."""
    leaf: str
    """The text of the leaf: a line each for its number, the transfer, its kind, currency, amount and time, and a hash for each side. The hashes say nothing about the users and wallets to those who don't have their salts."""
    leaf_index: int
    """The number of the leaf: the first transfer in the log has 0."""
    @property
    def sides(self) -> RepeatedCompositeFieldContainer[ReceiptSide]:
        """What the hashes of the acting user's sides stand for; the other side's is not shown."""
    @property
    def inclusion_proof(self) -> RepeatedScalarFieldContainer[bytes]:
        """The inclusion proof (RFC 9162, section 2.1.3): the hashes on the way from the leaf to the root, lowest first, 32 bytes each."""
    checkpoint: str
    """The checkpoint that the proof leads to: a signed note (c2sp.org/signed-note) with the name, the size and the root of the log (c2sp.org/tlog-checkpoint)."""
    def __init__(
        self,
        *,
        leaf: str | None = ...,
        leaf_index: int | None = ...,
        sides: Iterable[ReceiptSide | Mapping[str, Any]] | None = ...,
        inclusion_proof: Iterable[bytes] | None = ...,
        checkpoint: str | None = ...,
    ) -> None: ...

class ReceiptSide(Message):
    """A side of a transfer."""
    party: ReceiptParty
    """Which one it is."""
    user_id: int
    """The user; left out where the account is no wallet."""
    wallet_id: str
    """The wallet."""
    salt: bytes
    """16 random bytes of this side alone. The hash in the leaf is SHA-256 over the salt in hexadecimal, a space, the user's number, a space, and the wallet's id."""
    def __init__(
        self,
        *,
        party: ReceiptParty | str | None = ...,
        user_id: int | None = ...,
        wallet_id: str | None = ...,
        salt: bytes | None = ...,
    ) -> None: ...

class GetCheckpointRequest(Message):
    """Asks for the newest checkpoint."""
    def __init__(self) -> None: ...

class GetCheckpointResponse(Message):
    """The newest checkpoint."""
    checkpoint: str
    """A signed note (c2sp.org/signed-note)."""
    @property
    def public_keys(self) -> RepeatedScalarFieldContainer[str]:
        """The public keys of the log, newest first, in the form of signed notes: name, id and key. Get them once by a way that you trust, and compare."""
    def __init__(
        self,
        *,
        checkpoint: str | None = ...,
        public_keys: Iterable[str] | None = ...,
    ) -> None: ...

class GetConsistencyProofRequest(Message):
    """Asks for a proof of consistency."""
    from_size: int
    """The smaller size, from 1 on."""
    to_size: int
    """The larger size, at most that of the newest checkpoint. The same as `from_size` needs no proof and gets an empty one."""
    def __init__(
        self,
        *,
        from_size: int | None = ...,
        to_size: int | None = ...,
    ) -> None: ...

class GetConsistencyProofResponse(Message):
    """The proof."""
    @property
    def proof(self) -> RepeatedScalarFieldContainer[bytes]:
        """The hashes in the order of RFC 9162, section 2.1.4, 32 bytes each."""
    def __init__(
        self,
        *,
        proof: Iterable[bytes] | None = ...,
    ) -> None: ...

class Room(Message):
    """A chat room."""
    room_id: str
    """The id that its creator chose."""
    display_name: str
    """The name that its members see."""
    owner_user_id: int
    """The user who created it. Only this user can rename it and remove others."""
    @property
    def created_at(self) -> Timestamp:
        """When the room was created."""
    def __init__(
        self,
        *,
        room_id: str | None = ...,
        display_name: str | None = ...,
        owner_user_id: int | None = ...,
        created_at: datetime | None = ...,
    ) -> None: ...

class Member(Message):
    """A user in a room."""
    user_id: int
    """The id of the member."""
    display_name: str
    """The name of the member."""
    @property
    def joined_at(self) -> Timestamp:
        """When the user became a member."""
    def __init__(
        self,
        *,
        user_id: int | None = ...,
        display_name: str | None = ...,
        joined_at: datetime | None = ...,
    ) -> None: ...

class CreateRoomRequest(Message):
    """Asks for a new room."""
    room_id: str
    """1 to 64 letters, digits, hyphens or underscores that no room has yet."""
    display_name: str
    """1 to 100 characters, no control or invisible characters."""
    def __init__(
        self,
        *,
        room_id: str | None = ...,
        display_name: str | None = ...,
    ) -> None: ...

class CreateRoomResponse(Message):
    """The room, created."""
    @property
    def room(self) -> Room: ...
    def __init__(
        self,
        *,
        room: Room | Mapping[str, Any] | None = ...,
    ) -> None: ...

class GetRoomRequest(Message):
    """Asks for a room."""
    room_id: str
    """A room of which the acting user is a member."""
    def __init__(
        self,
        *,
        room_id: str | None = ...,
    ) -> None: ...

class GetRoomResponse(Message):
    """The room."""
    @property
    def room(self) -> Room: ...
    def __init__(
        self,
        *,
        room: Room | Mapping[str, Any] | None = ...,
    ) -> None: ...

class UpdateRoomRequest(Message):
    """Asks to change a room."""
    room_id: str
    """A room that the acting user owns."""
    display_name: str
    """1 to 100 characters, no control or invisible characters."""
    def __init__(
        self,
        *,
        room_id: str | None = ...,
        display_name: str | None = ...,
    ) -> None: ...

class UpdateRoomResponse(Message):
    """The room, changed."""
    @property
    def room(self) -> Room: ...
    def __init__(
        self,
        *,
        room: Room | Mapping[str, Any] | None = ...,
    ) -> None: ...

class ListMembersRequest(Message):
    """Asks for one page of members."""
    room_id: str
    """A room of which the acting user is a member."""
    page_size: int
    """How many to return at most, 1 to 100; 0 means 20."""
    page_token: str
    """next_page_token of the page before; empty for the first page."""
    def __init__(
        self,
        *,
        room_id: str | None = ...,
        page_size: int | None = ...,
        page_token: str | None = ...,
    ) -> None: ...

class ListMembersResponse(Message):
    """One page of members."""
    @property
    def members(self) -> RepeatedCompositeFieldContainer[Member]: ...
    next_page_token: str
    """Pass it as page_token to get the next page; empty on the last one."""
    def __init__(
        self,
        *,
        members: Iterable[Member | Mapping[str, Any]] | None = ...,
        next_page_token: str | None = ...,
    ) -> None: ...

class AddMemberRequest(Message):
    """A request to add a member."""
    room_id: str
    """A room of which the acting user is a member."""
    user_id: int
    """The user to add."""
    def __init__(
        self,
        *,
        room_id: str | None = ...,
        user_id: int | None = ...,
    ) -> None: ...

class AddMemberResponse(Message):
    """The member."""
    @property
    def member(self) -> Member: ...
    def __init__(
        self,
        *,
        member: Member | Mapping[str, Any] | None = ...,
    ) -> None: ...

class RemoveMemberRequest(Message):
    """Asks to take a user out."""
    room_id: str
    """A room of which the acting user is a member."""
    user_id: int
    """The member to remove: the acting user to leave, or any other one where the acting user owns the room."""
    def __init__(
        self,
        *,
        room_id: str | None = ...,
        user_id: int | None = ...,
    ) -> None: ...

class RemoveMemberResponse(Message):
    """The user is out."""
    def __init__(self) -> None: ...

class Sprinkle(Message):
    """A sprinkle as a member of its room sees it."""
    sprinkle_id: str
    """The id of the sprinkle, a UUID."""
    room_id: str
    """The room in which it was dropped."""
    token: str
    """The token that members of the room claim with: 3 letters or digits, unique among the room's live sprinkles. Only its creator sees it here."""
    @property
    def amount(self) -> Money:
        """What was dropped."""
    headcount: int
    """The number of shares."""
    @property
    def claimed_amount(self) -> Money:
        """What was claimed so far; left out for those from whom amounts are hidden."""
    claimed_count: int
    """How many shares were claimed so far."""
    state: SprinkleState
    @property
    def created_at(self) -> Timestamp:
        """When it was made."""
    @property
    def expires_at(self) -> Timestamp:
        """When it expires."""
    @property
    def claims(self) -> RepeatedCompositeFieldContainer[Claim]:
        """The claims, oldest first; only GetSprinkle shows them. Those from whom amounts are hidden see their own claim only."""
    commitment: bytes
    """Fixes all shares before the first claim without showing them: SHA-256 of the terms and the seed. Keep it until the proof comes. Empty on sprinkles of releases that had no proofs."""
    mode: SprinkleMode
    """How the amount is split."""
    creator_user_id: int
    """Who made it."""
    message: str
    """What its creator says."""
    hide_amounts: bool
    """Whether only its creator sees who got what."""
    @property
    def share_floor(self) -> Money:
        """The smallest possible share."""
    @property
    def share_ceiling(self) -> Money:
        """The largest possible share."""
    @property
    def allowed_user_ids(self) -> RepeatedScalarFieldContainer[int]:
        """Whom it is for; empty where every member of the room can claim."""
    luckiest_user_id: int
    """Who got the largest share, the first one of equals, once no more shares can be claimed. Only GetSprinkle shows it; 0 before, in mode EQUAL, and for those from whom amounts are hidden."""
    def __init__(
        self,
        *,
        sprinkle_id: str | None = ...,
        room_id: str | None = ...,
        token: str | None = ...,
        amount: Money | Mapping[str, Any] | None = ...,
        headcount: int | None = ...,
        claimed_amount: Money | Mapping[str, Any] | None = ...,
        claimed_count: int | None = ...,
        state: SprinkleState | str | None = ...,
        created_at: datetime | None = ...,
        expires_at: datetime | None = ...,
        claims: Iterable[Claim | Mapping[str, Any]] | None = ...,
        commitment: bytes | None = ...,
        mode: SprinkleMode | str | None = ...,
        creator_user_id: int | None = ...,
        message: str | None = ...,
        hide_amounts: bool | None = ...,
        share_floor: Money | Mapping[str, Any] | None = ...,
        share_ceiling: Money | Mapping[str, Any] | None = ...,
        allowed_user_ids: Iterable[int] | None = ...,
        luckiest_user_id: int | None = ...,
    ) -> None: ...

class Claim(Message):
    """One claimed share."""
    user_id: int
    """Who claimed it."""
    @property
    def amount(self) -> Money:
        """The share."""
    @property
    def claimed_at(self) -> Timestamp:
        """When it was claimed."""
    def __init__(
        self,
        *,
        user_id: int | None = ...,
        amount: Money | Mapping[str, Any] | None = ...,
        claimed_at: datetime | None = ...,
    ) -> None: ...

class CreateSprinkleRequest(Message):
    """Asks to drop an amount."""
    room_id: str
    """A room of which the acting user is a member."""
    wallet_id: str
    """The acting user's wallet that pays."""
    @property
    def amount(self) -> Money:
        """What to drop, in the wallet's currency: at least headcount smallest units, and at most 281,474,976,710,655 (2^48 - 1, as far as shares are drawn evenly)."""
    headcount: int
    """The number of shares, 1 to 10,000."""
    mode: SprinkleMode
    """How to split it; RANDOM when left out. With EQUAL the amount must be divisible by headcount."""
    @property
    def share_floor(self) -> Money:
        """The smallest possible share, 1 smallest unit when left out; headcount times that must not be above the amount. Not with EQUAL."""
    @property
    def share_ceiling(self) -> Money:
        """The largest possible share, as large as the amount allows when left out; headcount times that must not be below the amount. Not with EQUAL."""
    message: str
    """What the members of the room read: up to 200 characters, without control or invisible characters."""
    @property
    def expires_in(self) -> Duration:
        """How long shares can be claimed: 1 minute to 72 hours; 10 minutes when left out."""
    @property
    def allowed_user_ids(self) -> RepeatedScalarFieldContainer[int]:
        """Members of the room who alone can claim, at least as many as there are shares and without the acting user; every member when left out."""
    hide_amounts: bool
    """Whether only the acting user sees who got what. Every member can still check the proof, which names nobody else then."""
    def __init__(
        self,
        *,
        room_id: str | None = ...,
        wallet_id: str | None = ...,
        amount: Money | Mapping[str, Any] | None = ...,
        headcount: int | None = ...,
        mode: SprinkleMode | str | None = ...,
        share_floor: Money | Mapping[str, Any] | None = ...,
        share_ceiling: Money | Mapping[str, Any] | None = ...,
        message: str | None = ...,
        expires_in: timedelta | None = ...,
        allowed_user_ids: Iterable[int] | None = ...,
        hide_amounts: bool | None = ...,
    ) -> None: ...

class CreateSprinkleResponse(Message):
    """The sprinkle, made."""
    @property
    def sprinkle(self) -> Sprinkle: ...
    @property
    def balance(self) -> Money:
        """The balance of the wallet that paid, right after."""
    def __init__(
        self,
        *,
        sprinkle: Sprinkle | Mapping[str, Any] | None = ...,
        balance: Money | Mapping[str, Any] | None = ...,
    ) -> None: ...

class ClaimSprinkleRequest(Message):
    """Asks to claim a share."""
    room_id: str
    """A room of which the acting user is a member."""
    token: str
    """The token that the creator got."""
    wallet_id: str
    """The acting user's wallet that the share goes to, of the sprinkle's currency; its default wallet when left out."""
    nonce: bytes
    """Up to 16 random bytes that the share depends on, so that nobody could have chosen it before this call. It is published with the proof. Where amounts are hidden, the server draws 16 bytes for those who send none."""
    def __init__(
        self,
        *,
        room_id: str | None = ...,
        token: str | None = ...,
        wallet_id: str | None = ...,
        nonce: bytes | None = ...,
    ) -> None: ...

class ClaimSprinkleResponse(Message):
    """The claimed share."""
    @property
    def amount(self) -> Money:
        """The share."""
    @property
    def balance(self) -> Money:
        """The balance of the wallet that got it, right after."""
    transfer_id: str
    """The transfer that moved the share."""
    def __init__(
        self,
        *,
        amount: Money | Mapping[str, Any] | None = ...,
        balance: Money | Mapping[str, Any] | None = ...,
        transfer_id: str | None = ...,
    ) -> None: ...

class GetSprinkleRequest(Message):
    """Asks to see a sprinkle."""
    room_id: str
    """The room of the sprinkle."""
    sprinkle_id: str
    """A sprinkle of a room of which the acting user is a member, or one that it made."""
    def __init__(
        self,
        *,
        room_id: str | None = ...,
        sprinkle_id: str | None = ...,
    ) -> None: ...

class GetSprinkleResponse(Message):
    """The sprinkle."""
    @property
    def sprinkle(self) -> Sprinkle: ...
    def __init__(
        self,
        *,
        sprinkle: Sprinkle | Mapping[str, Any] | None = ...,
    ) -> None: ...

class CancelSprinkleRequest(Message):
    """Asks to end a sprinkle."""
    room_id: str
    """The room of the sprinkle."""
    sprinkle_id: str
    """A sprinkle that the acting user made."""
    def __init__(
        self,
        *,
        room_id: str | None = ...,
        sprinkle_id: str | None = ...,
    ) -> None: ...

class CancelSprinkleResponse(Message):
    """The sprinkle, ended."""
    @property
    def sprinkle(self) -> Sprinkle: ...
    @property
    def balance(self) -> Money:
        """The balance of the wallet that paid, right after."""
    def __init__(
        self,
        *,
        sprinkle: Sprinkle | Mapping[str, Any] | None = ...,
        balance: Money | Mapping[str, Any] | None = ...,
    ) -> None: ...

class GetSprinkleProofRequest(Message):
    """Asks for the proof of a sprinkle that is over."""
    room_id: str
    """The room of the sprinkle."""
    sprinkle_id: str
    """A sprinkle of a room of which the acting user is a member, or one that it made."""
    def __init__(
        self,
        *,
        room_id: str | None = ...,
        sprinkle_id: str | None = ...,
    ) -> None: ...

class GetSprinkleProofResponse(Message):
    """Everything that the shares and who got them follow from."""
    version: str
    """The rules by which all of it follows: `ppuri-sprinkle-1`."""
    sprinkle_id: str
    """The id of the sprinkle."""
    @property
    def amount(self) -> Money:
        """What was dropped."""
    headcount: int
    """The number of shares."""
    mode: SprinkleMode
    """How the amount was split."""
    @property
    def share_floor(self) -> Money:
        """The smallest possible share."""
    @property
    def share_ceiling(self) -> Money:
        """The largest possible share."""
    commitment: bytes
    """What was published before the first claim. Compare it with what you were shown then."""
    seed: bytes
    """The secret that the shares follow from: 32 bytes."""
    @property
    def claims(self) -> RepeatedCompositeFieldContainer[ProofClaim]:
        """The claims, in their order."""
    def __init__(
        self,
        *,
        version: str | None = ...,
        sprinkle_id: str | None = ...,
        amount: Money | Mapping[str, Any] | None = ...,
        headcount: int | None = ...,
        mode: SprinkleMode | str | None = ...,
        share_floor: Money | Mapping[str, Any] | None = ...,
        share_ceiling: Money | Mapping[str, Any] | None = ...,
        commitment: bytes | None = ...,
        seed: bytes | None = ...,
        claims: Iterable[ProofClaim | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class ProofClaim(Message):
    """One claim, as it took part in the draw."""
    user_id: int
    """Who claimed; 0 where amounts are hidden from the acting user and the claim is another user's."""
    nonce: bytes
    """What the claimer sent; empty where the user is not named."""
    minor_units: int
    """The share, in the smallest unit of the currency."""
    link: bytes
    """What the claim added to the chain: SHA-256 of its place, its user and its nonce."""
    in_line: bool
    """Whether the share was the next one in line instead of being picked: a server of a release without proofs handed it out, during an upgrade. Such a claim is not proven."""
    def __init__(
        self,
        *,
        user_id: int | None = ...,
        nonce: bytes | None = ...,
        minor_units: int | None = ...,
        link: bytes | None = ...,
        in_line: bool | None = ...,
    ) -> None: ...

class ListSprinklesRequest(Message):
    """Asks for one page of one's own sprinkles in a room."""
    room_id: str
    """The room of the sprinkles."""
    page_size: int
    """How many to return at most, 1 to 100; 0 means 20."""
    page_token: str
    """next_page_token of the page before; empty for the first page."""
    def __init__(
        self,
        *,
        room_id: str | None = ...,
        page_size: int | None = ...,
        page_token: str | None = ...,
    ) -> None: ...

class ListSprinklesResponse(Message):
    """One page of sprinkles, newest first."""
    @property
    def sprinkles(self) -> RepeatedCompositeFieldContainer[Sprinkle]: ...
    next_page_token: str
    """Pass it as page_token to get the next page; empty on the last one."""
    def __init__(
        self,
        *,
        sprinkles: Iterable[Sprinkle | Mapping[str, Any]] | None = ...,
        next_page_token: str | None = ...,
    ) -> None: ...

class ListRoomSprinklesRequest(Message):
    """Asks for one page of the sprinkles of a room."""
    room_id: str
    """A room of which the acting user is a member."""
    page_size: int
    """How many to return at most, 1 to 100; 0 means 20."""
    page_token: str
    """next_page_token of the page before; empty for the first page."""
    def __init__(
        self,
        *,
        room_id: str | None = ...,
        page_size: int | None = ...,
        page_token: str | None = ...,
    ) -> None: ...

class ListRoomSprinklesResponse(Message):
    """One page of sprinkles, newest first."""
    @property
    def sprinkles(self) -> RepeatedCompositeFieldContainer[Sprinkle]: ...
    next_page_token: str
    """Pass it as page_token to get the next page; empty on the last one."""
    def __init__(
        self,
        *,
        sprinkles: Iterable[Sprinkle | Mapping[str, Any]] | None = ...,
        next_page_token: str | None = ...,
    ) -> None: ...

class WatchSprinkleRequest(Message):
    """Asks for what happens with a sprinkle."""
    room_id: str
    """The room of the sprinkle."""
    sprinkle_id: str
    """A sprinkle of a room of which the acting user is a member."""
    def __init__(
        self,
        *,
        room_id: str | None = ...,
        sprinkle_id: str | None = ...,
    ) -> None: ...

class WatchSprinkleResponse(Message):
    """The sprinkle as it is now. Its claims are those since the message before; in the first message of a stream all of them."""
    @property
    def sprinkle(self) -> Sprinkle: ...
    def __init__(
        self,
        *,
        sprinkle: Sprinkle | Mapping[str, Any] | None = ...,
    ) -> None: ...

class Transfer(Message):
    """A transfer: it happened, and it never changes."""
    transfer_id: str
    """A UUID of version 7; transfers that happened later have greater ids."""
    kind: TransferKind
    debit_wallet_id: str
    """Where the money came from; empty where that was no wallet (outside, or money that was set aside)."""
    credit_wallet_id: str
    """Where the money went; empty where that was no wallet."""
    debit_user_id: int
    """The user whose wallet it came from; 0 where that was no wallet."""
    credit_user_id: int
    """The user whose wallet it went to; 0 where that was no wallet."""
    @property
    def amount(self) -> Money:
        """What was moved; above zero."""
    memo: str
    """The note; empty where there is none."""
    sprinkle_id: str
    """The sprinkle it belongs to; empty where there is none."""
    @property
    def created_at(self) -> Timestamp:
        """When it happened."""
    key_id: str
    """The API key that signed the call; empty where no call made the transfer, on transfers from before this was noted, and to the other side: only the user for whom it was signed sees it."""
    hold_id: str
    """The hold it belongs to; empty where there is none."""
    gift_id: str
    """The gift it belongs to; empty where there is none."""
    @property
    def refunded_amount(self) -> Money:
        """How much of it was refunded by its receiver, or reversed by operators; 0 in answers that were stored before that."""
    refunds_transfer_id: str
    """The transfer that this one refunds or reverses; empty where it does neither."""
    reference: str
    """The reference that its user gave it; empty where there is none, and to the other side."""
    @property
    def labels(self) -> RepeatedCompositeFieldContainer[Label]:
        """The labels that its user attached to it, in the order of the request; none to the other side."""
    def __init__(
        self,
        *,
        transfer_id: str | None = ...,
        kind: TransferKind | str | None = ...,
        debit_wallet_id: str | None = ...,
        credit_wallet_id: str | None = ...,
        debit_user_id: int | None = ...,
        credit_user_id: int | None = ...,
        amount: Money | Mapping[str, Any] | None = ...,
        memo: str | None = ...,
        sprinkle_id: str | None = ...,
        created_at: datetime | None = ...,
        key_id: str | None = ...,
        hold_id: str | None = ...,
        gift_id: str | None = ...,
        refunded_amount: Money | Mapping[str, Any] | None = ...,
        refunds_transfer_id: str | None = ...,
        reference: str | None = ...,
        labels: Iterable[Label | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class DepositRequest(Message):
    """A request for a deposit."""
    wallet_id: str
    """A wallet of the acting user."""
    @property
    def amount(self) -> Money:
        """What to bring in: 1 to 9,007,199,254,740,991 smallest units of the wallet's currency."""
    memo: str
    """A note for the acting user's own history; at most 200 characters, no control or invisible characters."""
    reference: str
    """The user's own name for the transfer, such as an order's number: 1 to 128 visible ASCII characters; empty for none. A user gives it to one of their transfers only, for good, and nobody else sees it."""
    @property
    def labels(self) -> RepeatedCompositeFieldContainer[Label]:
        """Up to 20 labels, which nobody else sees."""
    def __init__(
        self,
        *,
        wallet_id: str | None = ...,
        amount: Money | Mapping[str, Any] | None = ...,
        memo: str | None = ...,
        reference: str | None = ...,
        labels: Iterable[Label | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class DepositResponse(Message):
    """The deposit, done."""
    @property
    def transfer(self) -> Transfer: ...
    @property
    def balance(self) -> Money:
        """The wallet's balance right after."""
    def __init__(
        self,
        *,
        transfer: Transfer | Mapping[str, Any] | None = ...,
        balance: Money | Mapping[str, Any] | None = ...,
    ) -> None: ...

class WithdrawRequest(Message):
    """Asks to take money out."""
    wallet_id: str
    """A wallet of the acting user."""
    @property
    def amount(self) -> Money:
        """What to take out: 1 to 9,007,199,254,740,991 smallest units of the wallet's currency."""
    memo: str
    """A note for the acting user's own history; at most 200 characters, no control or invisible characters."""
    reference: str
    """The user's own name for the transfer, such as an order's number: 1 to 128 visible ASCII characters; empty for none. A user gives it to one of their transfers only, for good, and nobody else sees it."""
    @property
    def labels(self) -> RepeatedCompositeFieldContainer[Label]:
        """Up to 20 labels, which nobody else sees."""
    def __init__(
        self,
        *,
        wallet_id: str | None = ...,
        amount: Money | Mapping[str, Any] | None = ...,
        memo: str | None = ...,
        reference: str | None = ...,
        labels: Iterable[Label | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class WithdrawResponse(Message):
    """The withdrawal, done."""
    @property
    def transfer(self) -> Transfer: ...
    @property
    def balance(self) -> Money:
        """The wallet's balance right after."""
    def __init__(
        self,
        *,
        transfer: Transfer | Mapping[str, Any] | None = ...,
        balance: Money | Mapping[str, Any] | None = ...,
    ) -> None: ...

class CreateTransferRequest(Message):
    """Asks to move money."""
    debit_wallet_id: str
    """A wallet of the acting user."""
    credit_wallet_id: str
    """Any wallet of the same currency."""
    credit_user_id: int
    """That user's default wallet."""
    @property
    def amount(self) -> Money:
        """What to move: 1 to 9,007,199,254,740,991 smallest units of the currency of both wallets."""
    memo: str
    """A note that both sides see; at most 200 characters, no control or invisible characters."""
    reference: str
    """The user's own name for the transfer, such as an order's number: 1 to 128 visible ASCII characters; empty for none. A user gives it to one of their transfers only, for good, and nobody else sees it."""
    @property
    def labels(self) -> RepeatedCompositeFieldContainer[Label]:
        """Up to 20 labels, which nobody else sees."""
    def __init__(
        self,
        *,
        debit_wallet_id: str | None = ...,
        credit_wallet_id: str | None = ...,
        credit_user_id: int | None = ...,
        amount: Money | Mapping[str, Any] | None = ...,
        memo: str | None = ...,
        reference: str | None = ...,
        labels: Iterable[Label | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class CreateTransferResponse(Message):
    """The transfer, done."""
    @property
    def transfer(self) -> Transfer: ...
    @property
    def balance(self) -> Money:
        """The balance of the wallet it came from, right after."""
    def __init__(
        self,
        *,
        transfer: Transfer | Mapping[str, Any] | None = ...,
        balance: Money | Mapping[str, Any] | None = ...,
    ) -> None: ...

class BatchCreateTransfersRequest(Message):
    """Asks to move money many times."""
    @property
    def items(self) -> RepeatedCompositeFieldContainer[CreateTransferRequest]:
        """1 to 1,000 transfers, each as CreateTransfer takes it; all of them together have at most 5,000 labels."""
    mode: BatchMode
    def __init__(
        self,
        *,
        items: Iterable[CreateTransferRequest | Mapping[str, Any]] | None = ...,
        mode: BatchMode | str | None = ...,
    ) -> None: ...

class BatchCreateTransfersResponse(Message):
    """What became of the items."""
    @property
    def results(self) -> RepeatedCompositeFieldContainer[BatchTransferResult]:
        """One for each item, in the order of the items."""
    def __init__(
        self,
        *,
        results: Iterable[BatchTransferResult | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class BatchTransferResult(Message):
    """What became of one item."""
    @property
    def posted(self) -> CreateTransferResponse:
        """The transfer, done, and the balance of the wallet it came from, right after it."""
    @property
    def refused(self) -> BatchTransferRefusal:
        """Why the item was refused."""
    def __init__(
        self,
        *,
        posted: CreateTransferResponse | Mapping[str, Any] | None = ...,
        refused: BatchTransferRefusal | Mapping[str, Any] | None = ...,
    ) -> None: ...

class BatchTransferRefusal(Message):
    """Why an item was refused; CreateTransfer would have been refused for the same."""
    code: str
    """ERR001, ERR005 or ERR006, as in the metadata of google.rpc.ErrorInfo."""
    reason: str
    """As in google.rpc.ErrorInfo: BALANCE_TOO_LOW, WALLET_NOT_FOUND and so on."""
    message: str
    """What is wrong, in English."""
    field: str
    """The field that is wrong: `items[3].credit_wallet_id`; `items[3]` where no one field is."""
    def __init__(
        self,
        *,
        code: str | None = ...,
        reason: str | None = ...,
        message: str | None = ...,
        field: str | None = ...,
    ) -> None: ...

class CheckTransferRequest(Message):
    """Asks whether a transfer would be posted."""
    debit_wallet_id: str
    """A wallet of the acting user."""
    credit_wallet_id: str
    """Any wallet of the same currency."""
    credit_user_id: int
    """That user's default wallet."""
    @property
    def amount(self) -> Money:
        """What to move: 1 to 9,007,199,254,740,991 smallest units of the currency of both wallets."""
    memo: str
    """A note that both sides see; at most 200 characters, no control or invisible characters."""
    reference: str
    """The user's own name for the transfer, such as an order's number: 1 to 128 visible ASCII characters; empty for none. A user gives it to one of their transfers only, for good, and nobody else sees it."""
    @property
    def labels(self) -> RepeatedCompositeFieldContainer[Label]:
        """Up to 20 labels, which nobody else sees."""
    def __init__(
        self,
        *,
        debit_wallet_id: str | None = ...,
        credit_wallet_id: str | None = ...,
        credit_user_id: int | None = ...,
        amount: Money | Mapping[str, Any] | None = ...,
        memo: str | None = ...,
        reference: str | None = ...,
        labels: Iterable[Label | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class CheckTransferResponse(Message):
    """Whether it would be posted."""
    would_post: bool
    """Whether a CreateTransfer with these fields would have been posted, but for the receiver's limits, which it leaves out: they would tell what the receiver has."""
    @property
    def refusal(self) -> BatchTransferRefusal:
        """Why not; absent where it would be posted."""
    @property
    def limits(self) -> RepeatedCompositeFieldContainer[Limit]:
        """The limits of the acting user in the currency, before the transfer; none where the wallet is not the user's."""
    def __init__(
        self,
        *,
        would_post: bool | None = ...,
        refusal: BatchTransferRefusal | Mapping[str, Any] | None = ...,
        limits: Iterable[Limit | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class GetTransferRequest(Message):
    """Asks for a transfer."""
    transfer_id: str
    """A transfer from or to a wallet of the acting user; left out where `reference` is given."""
    reference: str
    """The reference of a transfer, instead of its id: the whole of it, compared byte by byte."""
    def __init__(
        self,
        *,
        transfer_id: str | None = ...,
        reference: str | None = ...,
    ) -> None: ...

class GetTransferResponse(Message):
    """The transfer."""
    @property
    def transfer(self) -> Transfer: ...
    def __init__(
        self,
        *,
        transfer: Transfer | Mapping[str, Any] | None = ...,
    ) -> None: ...

class RefundTransferRequest(Message):
    """Asks to give money back."""
    transfer_id: str
    """A transfer to a wallet of the acting user."""
    @property
    def amount(self) -> Money:
        """How much: 1 to 9,007,199,254,740,991 smallest units of the transfer's currency; all that was not refunded yet when left out."""
    reason: str
    """Why; both sides see it as the memo of the refund. At most 200 characters, no control or invisible characters."""
    def __init__(
        self,
        *,
        transfer_id: str | None = ...,
        amount: Money | Mapping[str, Any] | None = ...,
        reason: str | None = ...,
    ) -> None: ...

class RefundTransferResponse(Message):
    """The refund, done."""
    @property
    def transfer(self) -> Transfer:
        """The transfer that moved the money back."""
    @property
    def balance(self) -> Money:
        """The balance of the wallet that refunded, right after."""
    def __init__(
        self,
        *,
        transfer: Transfer | Mapping[str, Any] | None = ...,
        balance: Money | Mapping[str, Any] | None = ...,
    ) -> None: ...

class ListRefundsRequest(Message):
    """Asks for one page of a transfer's refunds."""
    transfer_id: str
    """A transfer from or to a wallet of the acting user."""
    page_size: int
    """How many to return at most, 1 to 100; 0 means 20."""
    page_token: str
    """next_page_token of the page before; empty for the first page."""
    def __init__(
        self,
        *,
        transfer_id: str | None = ...,
        page_size: int | None = ...,
        page_token: str | None = ...,
    ) -> None: ...

class ListRefundsResponse(Message):
    """One page of refunds, newest first."""
    @property
    def refunds(self) -> RepeatedCompositeFieldContainer[Transfer]:
        """The transfers that moved money back."""
    next_page_token: str
    """Pass it as page_token to get the next page; empty on the last one."""
    def __init__(
        self,
        *,
        refunds: Iterable[Transfer | Mapping[str, Any]] | None = ...,
        next_page_token: str | None = ...,
    ) -> None: ...

class GetOutcomeRequest(Message):
    """Asks what became of an idempotency key."""
    idempotency_key: str
    """The key, as the calls carried it: 1 to 128 visible ASCII characters."""
    def __init__(
        self,
        *,
        idempotency_key: str | None = ...,
    ) -> None: ...

class GetOutcomeResponse(Message):
    """What became of it."""
    state: OutcomeState
    rpc: str
    """The RPC that was done, `wallet.v2.TransferService/CreateTransfer`; empty where none was, and for calls from before this was noted."""
    @property
    def answer(self) -> AnyMessage:
        """The answer of that RPC, the same that a retry gets; not there where `rpc` is empty."""
    def __init__(
        self,
        *,
        state: OutcomeState | str | None = ...,
        rpc: str | None = ...,
        answer: AnyMessage | Mapping[str, Any] | None = ...,
    ) -> None: ...

class User(Message):
    """A user's profile."""
    user_id: int
    """The id that the caller gave the user."""
    display_name: str
    """The name that other users see."""
    @property
    def created_at(self) -> Timestamp:
        """When the user was created."""
    def __init__(
        self,
        *,
        user_id: int | None = ...,
        display_name: str | None = ...,
        created_at: datetime | None = ...,
    ) -> None: ...

class CreateUserRequest(Message):
    """Asks for a new user."""
    user_id: int
    """A whole number from 1 to 2^63 - 1 that no user has yet."""
    display_name: str
    """1 to 100 characters, no control or invisible characters."""
    def __init__(
        self,
        *,
        user_id: int | None = ...,
        display_name: str | None = ...,
    ) -> None: ...

class CreateUserResponse(Message):
    """The user, created."""
    @property
    def user(self) -> User: ...
    def __init__(
        self,
        *,
        user: User | Mapping[str, Any] | None = ...,
    ) -> None: ...

class GetUserRequest(Message):
    """Asks for a profile."""
    user_id: int
    """Any user."""
    def __init__(
        self,
        *,
        user_id: int | None = ...,
    ) -> None: ...

class GetUserResponse(Message):
    """The profile."""
    @property
    def user(self) -> User: ...
    def __init__(
        self,
        *,
        user: User | Mapping[str, Any] | None = ...,
    ) -> None: ...

class UpdateUserRequest(Message):
    """Asks to change one's profile."""
    user_id: int
    """The acting user."""
    display_name: str
    """1 to 100 characters, no control or invisible characters."""
    def __init__(
        self,
        *,
        user_id: int | None = ...,
        display_name: str | None = ...,
    ) -> None: ...

class UpdateUserResponse(Message):
    """The profile, changed."""
    @property
    def user(self) -> User: ...
    def __init__(
        self,
        *,
        user: User | Mapping[str, Any] | None = ...,
    ) -> None: ...

class ListFriendsRequest(Message):
    """Asks for one page of friends."""
    user_id: int
    """The acting user."""
    page_size: int
    """How many to return at most, 1 to 100; 0 means 20."""
    page_token: str
    """next_page_token of the page before; empty for the first page."""
    def __init__(
        self,
        *,
        user_id: int | None = ...,
        page_size: int | None = ...,
        page_token: str | None = ...,
    ) -> None: ...

class ListFriendsResponse(Message):
    """One page of friends."""
    @property
    def friends(self) -> RepeatedCompositeFieldContainer[User]: ...
    next_page_token: str
    """Pass it as page_token to get the next page; empty on the last one."""
    def __init__(
        self,
        *,
        friends: Iterable[User | Mapping[str, Any]] | None = ...,
        next_page_token: str | None = ...,
    ) -> None: ...

class AddFriendRequest(Message):
    """A friend request, or its acceptance."""
    user_id: int
    """The acting user."""
    friend_user_id: int
    """The other user."""
    def __init__(
        self,
        *,
        user_id: int | None = ...,
        friend_user_id: int | None = ...,
    ) -> None: ...

class AddFriendResponse(Message):
    """The other user, and the relation to it."""
    @property
    def friend(self) -> User: ...
    state: FriendshipState
    def __init__(
        self,
        *,
        friend: User | Mapping[str, Any] | None = ...,
        state: FriendshipState | str | None = ...,
    ) -> None: ...

class FriendRequest(Message):
    """A request to be friends."""
    @property
    def user(self) -> User:
        """The other side."""
    direction: FriendRequestDirection
    @property
    def created_at(self) -> Timestamp:
        """When it was sent."""
    def __init__(
        self,
        *,
        user: User | Mapping[str, Any] | None = ...,
        direction: FriendRequestDirection | str | None = ...,
        created_at: datetime | None = ...,
    ) -> None: ...

class ListFriendRequestsRequest(Message):
    """Asks for one page of requests to be friends."""
    user_id: int
    """The acting user."""
    direction: FriendRequestDirection
    page_size: int
    """How many to return at most, 1 to 100; 0 means 20."""
    page_token: str
    """next_page_token of the page before; empty for the first page."""
    def __init__(
        self,
        *,
        user_id: int | None = ...,
        direction: FriendRequestDirection | str | None = ...,
        page_size: int | None = ...,
        page_token: str | None = ...,
    ) -> None: ...

class ListFriendRequestsResponse(Message):
    """One page of requests to be friends."""
    @property
    def friend_requests(self) -> RepeatedCompositeFieldContainer[FriendRequest]: ...
    next_page_token: str
    """Pass it as page_token to get the next page; empty on the last one."""
    def __init__(
        self,
        *,
        friend_requests: Iterable[FriendRequest | Mapping[str, Any]] | None = ...,
        next_page_token: str | None = ...,
    ) -> None: ...

class RemoveFriendRequest(Message):
    """Asks to end a friendship or a request."""
    user_id: int
    """The acting user."""
    friend_user_id: int
    """The other user."""
    def __init__(
        self,
        *,
        user_id: int | None = ...,
        friend_user_id: int | None = ...,
    ) -> None: ...

class RemoveFriendResponse(Message):
    """The friendship or the request, ended."""
    def __init__(self) -> None: ...

class Wallet(Message):
    """A wallet: money of one user in one currency."""
    wallet_id: str
    """The id of the wallet, a UUID."""
    user_id: int
    """Its owner."""
    currency_code: str
    """ISO 4217: KRW, USD, EUR or JPY."""
    display_name: str
    """What its user calls it; empty for the default wallet until named."""
    @property
    def balance(self) -> Money:
        """What is in it."""
    is_default: bool
    """The user's wallet in wallet.v1, which also receives money that is sent to the user without naming a wallet. Every user has one."""
    @property
    def created_at(self) -> Timestamp:
        """When it was opened."""
    @property
    def held_amount(self) -> Money:
        """What is set aside in open holds on this wallet; it is not part of the balance."""
    state: WalletState
    """Whether it may pay and receive."""
    reference: str
    """The reference that its user gave it; empty where there is none."""
    @property
    def labels(self) -> RepeatedCompositeFieldContainer[Label]:
        """The labels that its user attached to it, in the order of the request."""
    def __init__(
        self,
        *,
        wallet_id: str | None = ...,
        user_id: int | None = ...,
        currency_code: str | None = ...,
        display_name: str | None = ...,
        balance: Money | Mapping[str, Any] | None = ...,
        is_default: bool | None = ...,
        created_at: datetime | None = ...,
        held_amount: Money | Mapping[str, Any] | None = ...,
        state: WalletState | str | None = ...,
        reference: str | None = ...,
        labels: Iterable[Label | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class CreateWalletRequest(Message):
    """Asks for another wallet."""
    currency_code: str
    """ISO 4217: KRW, USD, EUR, JPY."""
    display_name: str
    """1 to 100 characters, no control or invisible characters."""
    reference: str
    """The user's own name for the wallet, such as an order's number: 1 to 128 visible ASCII characters; empty for none. A user gives it to one of their wallets only, for good, and nobody else sees it."""
    @property
    def labels(self) -> RepeatedCompositeFieldContainer[Label]:
        """Up to 20 labels, which nobody else sees."""
    def __init__(
        self,
        *,
        currency_code: str | None = ...,
        display_name: str | None = ...,
        reference: str | None = ...,
        labels: Iterable[Label | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class CreateWalletResponse(Message):
    """The wallet, opened."""
    @property
    def wallet(self) -> Wallet: ...
    def __init__(
        self,
        *,
        wallet: Wallet | Mapping[str, Any] | None = ...,
    ) -> None: ...

class UpdateWalletRequest(Message):
    """Asks to change a wallet."""
    wallet_id: str
    """A wallet of the acting user."""
    display_name: str
    """Its new name: 1 to 100 characters, no control or invisible characters."""
    is_default: bool
    """True makes it the default wallet, in the place of the one that was; it has to be of the same currency. The default wallet cannot be made none: name the wallet that takes its place."""
    def __init__(
        self,
        *,
        wallet_id: str | None = ...,
        display_name: str | None = ...,
        is_default: bool | None = ...,
    ) -> None: ...

class UpdateWalletResponse(Message):
    """The wallet, changed."""
    @property
    def wallet(self) -> Wallet: ...
    def __init__(
        self,
        *,
        wallet: Wallet | Mapping[str, Any] | None = ...,
    ) -> None: ...

class CloseWalletRequest(Message):
    """Asks to close a wallet."""
    wallet_id: str
    """A wallet of the acting user."""
    def __init__(
        self,
        *,
        wallet_id: str | None = ...,
    ) -> None: ...

class CloseWalletResponse(Message):
    """The wallet, closed."""
    @property
    def wallet(self) -> Wallet: ...
    def __init__(
        self,
        *,
        wallet: Wallet | Mapping[str, Any] | None = ...,
    ) -> None: ...

class GetWalletRequest(Message):
    """Asks for a wallet."""
    wallet_id: str
    """A wallet of the acting user; left out where `reference` is given."""
    reference: str
    """The reference of a wallet of the acting user, instead of its id: the whole of it, compared byte by byte."""
    def __init__(
        self,
        *,
        wallet_id: str | None = ...,
        reference: str | None = ...,
    ) -> None: ...

class GetWalletResponse(Message):
    """The wallet."""
    @property
    def wallet(self) -> Wallet: ...
    def __init__(
        self,
        *,
        wallet: Wallet | Mapping[str, Any] | None = ...,
    ) -> None: ...

class ListWalletsRequest(Message):
    """Asks for one page of wallets."""
    page_size: int
    """How many to return at most, 1 to 100; 0 means 20."""
    page_token: str
    """next_page_token of the page before; empty for the first page."""
    def __init__(
        self,
        *,
        page_size: int | None = ...,
        page_token: str | None = ...,
    ) -> None: ...

class ListWalletsResponse(Message):
    """One page of wallets."""
    @property
    def wallets(self) -> RepeatedCompositeFieldContainer[Wallet]: ...
    next_page_token: str
    """Pass it as page_token to get the next page; empty on the last one."""
    def __init__(
        self,
        *,
        wallets: Iterable[Wallet | Mapping[str, Any]] | None = ...,
        next_page_token: str | None = ...,
    ) -> None: ...

class GetBalanceRequest(Message):
    """Asks for a balance."""
    wallet_id: str
    """A wallet of the acting user."""
    @property
    def as_of(self) -> Timestamp:
        """The balance as of this time, including transfers at exactly this time. Now when left out."""
    def __init__(
        self,
        *,
        wallet_id: str | None = ...,
        as_of: datetime | None = ...,
    ) -> None: ...

class GetBalanceResponse(Message):
    """The balance."""
    @property
    def balance(self) -> Money:
        """The balance, in the wallet's currency."""
    def __init__(
        self,
        *,
        balance: Money | Mapping[str, Any] | None = ...,
    ) -> None: ...

class BatchGetBalancesRequest(Message):
    """Asks for many balances."""
    @property
    def wallet_ids(self) -> RepeatedScalarFieldContainer[str]:
        """1 to 1,000 of the acting user's wallets, none twice."""
    def __init__(
        self,
        *,
        wallet_ids: Iterable[str] | None = ...,
    ) -> None: ...

class BatchGetBalancesResponse(Message):
    """The balances, in the order of the request."""
    @property
    def balances(self) -> RepeatedCompositeFieldContainer[WalletBalance]: ...
    def __init__(
        self,
        *,
        balances: Iterable[WalletBalance | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class WalletBalance(Message):
    """One wallet's balance."""
    wallet_id: str
    """The wallet."""
    @property
    def balance(self) -> Money:
        """What is in it."""
    def __init__(
        self,
        *,
        wallet_id: str | None = ...,
        balance: Money | Mapping[str, Any] | None = ...,
    ) -> None: ...

class ListTransactionsRequest(Message):
    """Asks for one page of a wallet's transactions."""
    wallet_id: str
    """A wallet of the acting user."""
    page_size: int
    """How many to return at most, 1 to 100; 0 means 20."""
    page_token: str
    """next_page_token of the page before; empty for the first page."""
    @property
    def kinds(self) -> RepeatedScalarFieldContainer[TransferKind]:
        """Only these kinds; all when empty."""
    @property
    def created_from(self) -> Timestamp:
        """Only what happened at or after this moment."""
    @property
    def created_before(self) -> Timestamp:
        """Only what happened before this moment."""
    reference: str
    """Only the transfer to which the acting user gave this reference, compared byte by byte."""
    label_key: str
    """Only transfers with a label of this key and `label_value`, which the acting user attached."""
    label_value: str
    """The value of that label, the whole of it, compared byte by byte."""
    counterparty_wallet_id: str
    """Only transfers to or from this wallet, which may be anybody's."""
    counterparty_user_id: int
    """Only transfers to or from a wallet of this user; 0 for any."""
    minor_units_from: int
    """Only transfers of at least so many smallest units; 0 for no bound."""
    minor_units_to: int
    """Only transfers of at most so many smallest units; 0 for no bound."""
    def __init__(
        self,
        *,
        wallet_id: str | None = ...,
        page_size: int | None = ...,
        page_token: str | None = ...,
        kinds: Iterable[TransferKind | str] | None = ...,
        created_from: datetime | None = ...,
        created_before: datetime | None = ...,
        reference: str | None = ...,
        label_key: str | None = ...,
        label_value: str | None = ...,
        counterparty_wallet_id: str | None = ...,
        counterparty_user_id: int | None = ...,
        minor_units_from: int | None = ...,
        minor_units_to: int | None = ...,
    ) -> None: ...

class ListTransactionsResponse(Message):
    """One page of transactions, newest first."""
    @property
    def transactions(self) -> RepeatedCompositeFieldContainer[Transaction]: ...
    next_page_token: str
    """Pass it as page_token to get the next page; empty on the last one."""
    def __init__(
        self,
        *,
        transactions: Iterable[Transaction | Mapping[str, Any]] | None = ...,
        next_page_token: str | None = ...,
    ) -> None: ...

class Transaction(Message):
    """A transfer as one of its wallets saw it."""
    @property
    def transfer(self) -> Transfer: ...
    direction: Direction
    @property
    def balance_after(self) -> Money:
        """The wallet's balance right after."""
    def __init__(
        self,
        *,
        transfer: Transfer | Mapping[str, Any] | None = ...,
        direction: Direction | str | None = ...,
        balance_after: Money | Mapping[str, Any] | None = ...,
    ) -> None: ...

class GetLimitsRequest(Message):
    """Asks for the acting user's limits."""
    currency_code: str
    """ISO 4217, such as KRW."""
    def __init__(
        self,
        *,
        currency_code: str | None = ...,
    ) -> None: ...

class GetLimitsResponse(Message):
    """The limits in force, at most one of each kind."""
    tier: str
    """What is known of the user, by which limits apply: unverified, verified, minor or business."""
    @property
    def limits(self) -> RepeatedCompositeFieldContainer[Limit]: ...
    def __init__(
        self,
        *,
        tier: str | None = ...,
        limits: Iterable[Limit | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class ExportStatementRequest(Message):
    """Asks for a statement."""
    wallet_id: str
    """A wallet of the acting user."""
    @property
    def created_from(self) -> Timestamp:
        """The beginning of the period, not in the future. The first transfer of the wallet when left out."""
    @property
    def created_before(self) -> Timestamp:
        """The end of the period, which is not part of it; after created_from. Now when left out or in the future."""
    format: StatementFormat
    """CSV when left out."""
    def __init__(
        self,
        *,
        wallet_id: str | None = ...,
        created_from: datetime | None = ...,
        created_before: datetime | None = ...,
        format: StatementFormat | str | None = ...,
    ) -> None: ...

class WatchWalletRequest(Message):
    """Asks for what happens with a wallet."""
    wallet_id: str
    """A wallet of the acting user."""
    after_cursor: str
    """The cursor of the last message that was received; empty to begin with a snapshot of the wallet as it is now. A cursor is for one wallet and its user."""
    def __init__(
        self,
        *,
        wallet_id: str | None = ...,
        after_cursor: str | None = ...,
    ) -> None: ...

class WatchWalletResponse(Message):
    """One message of the stream."""
    cursor: str
    """Where the stream is after this message: pass it as after_cursor to go on from here."""
    @property
    def snapshot(self) -> Wallet:
        """The wallet with everything in it up to the cursor."""
    @property
    def transaction(self) -> Transaction:
        """The next transaction, with the balance right after it."""
    @property
    def gap(self) -> Gap:
        """Transactions before the cursor were left out."""
    @property
    def heartbeat(self) -> Heartbeat:
        """Nothing has happened."""
    def __init__(
        self,
        *,
        cursor: str | None = ...,
        snapshot: Wallet | Mapping[str, Any] | None = ...,
        transaction: Transaction | Mapping[str, Any] | None = ...,
        gap: Gap | Mapping[str, Any] | None = ...,
        heartbeat: Heartbeat | Mapping[str, Any] | None = ...,
    ) -> None: ...

class Gap(Message):
    """Transactions that a stream left out because its reader was too far behind."""
    after_cursor: str
    """They are what follows this cursor: a stream after it sends all of them."""
    def __init__(
        self,
        *,
        after_cursor: str | None = ...,
    ) -> None: ...

class Heartbeat(Message):
    """Shows that a stream is alive while nothing happens."""
    def __init__(self) -> None: ...

class Webhook(Message):
    """An address that events are sent to."""
    webhook_id: str
    """The id of the webhook, a UUID."""
    url: str
    """Where events are sent to."""
    @property
    def types(self) -> RepeatedScalarFieldContainer[str]:
        """The types of events that are sent; all where there are none."""
    description: str
    """A note for its owner."""
    state: WebhookState
    pause_reason: WebhookPauseReason
    """Why it is paused; WEBHOOK_PAUSE_REASON_UNSPECIFIED where it is not."""
    public_key: str
    """What its `v1a` signatures are checked with: `whpk_` and the 32 bytes of an Ed25519 public key in base64."""
    previous_public_key: str
    """The replaced public key, while it still signs; empty otherwise."""
    @property
    def previous_secret_expires_at(self) -> Timestamp:
        """When the replaced secret and key end; absent where there are none."""
    @property
    def created_at(self) -> Timestamp:
        """When it was made."""
    @property
    def paused_at(self) -> Timestamp:
        """When it was paused; absent where it is not."""
    last_sequence: int
    """The sequence of the last event of the feed that has been taken up for it."""
    is_redelivering: bool
    """Whether events of a range, or of all since a moment, are being taken up to be sent again."""
    expired_first_sequence: int
    """The sequences of events that were left out, because they were older than 30 days when the webhook came to them: the first of the last such range, events of all types counted in; 0 where there was none. An event `webhook.events_expired` said so."""
    expired_last_sequence: int
    """The last sequence of that range; 0 where there was none."""
    def __init__(
        self,
        *,
        webhook_id: str | None = ...,
        url: str | None = ...,
        types: Iterable[str] | None = ...,
        description: str | None = ...,
        state: WebhookState | str | None = ...,
        pause_reason: WebhookPauseReason | str | None = ...,
        public_key: str | None = ...,
        previous_public_key: str | None = ...,
        previous_secret_expires_at: datetime | None = ...,
        created_at: datetime | None = ...,
        paused_at: datetime | None = ...,
        last_sequence: int | None = ...,
        is_redelivering: bool | None = ...,
        expired_first_sequence: int | None = ...,
        expired_last_sequence: int | None = ...,
    ) -> None: ...

class Delivery(Message):
    """An event on its way to a webhook."""
    delivery_id: str
    """The id of the delivery, a UUID."""
    event_id: str
    """The id of the event: the header `webhook-id`."""
    sequence: int
    """The sequence of the event in the feed; 0 for a test event."""
    type: str
    """The type of the event."""
    state: DeliveryState
    attempt_count: int
    """How many attempts there were."""
    @property
    def attempts(self) -> RepeatedCompositeFieldContainer[DeliveryAttempt]:
        """The last 20 attempts, oldest first."""
    @property
    def created_at(self) -> Timestamp:
        """When it was taken up for the webhook."""
    @property
    def next_attempt_at(self) -> Timestamp:
        """When it is tried next at the earliest; absent once it is delivered or expired."""
    @property
    def delivered_at(self) -> Timestamp:
        """When the receiver took it; absent before."""
    def __init__(
        self,
        *,
        delivery_id: str | None = ...,
        event_id: str | None = ...,
        sequence: int | None = ...,
        type: str | None = ...,
        state: DeliveryState | str | None = ...,
        attempt_count: int | None = ...,
        attempts: Iterable[DeliveryAttempt | Mapping[str, Any]] | None = ...,
        created_at: datetime | None = ...,
        next_attempt_at: datetime | None = ...,
        delivered_at: datetime | None = ...,
    ) -> None: ...

class DeliveryAttempt(Message):
    """One attempt to deliver an event."""
    @property
    def attempted_at(self) -> Timestamp:
        """When it began."""
    status_code: int
    """The status that the receiver answered with; 0 where there was no answer."""
    @property
    def duration(self) -> Duration:
        """How long it took."""
    error: str
    """Why it failed: a code such as ECONNREFUSED or ADDRESS_NOT_ALLOWED, or the first 200 characters of the receiver's answer; empty where it did not."""
    def __init__(
        self,
        *,
        attempted_at: datetime | None = ...,
        status_code: int | None = ...,
        duration: timedelta | None = ...,
        error: str | None = ...,
    ) -> None: ...

class CreateWebhookRequest(Message):
    """Asks for a webhook."""
    url: str
    """Where to send events to: an https address without a user name, a password or a fragment. It must not lead to a private or reserved network."""
    @property
    def types(self) -> RepeatedScalarFieldContainer[str]:
        """The types of events to send, such as `transfer.posted`; all, also later ones, where there are none."""
    description: str
    """A note; at most 200 characters, no control or invisible characters."""
    def __init__(
        self,
        *,
        url: str | None = ...,
        types: Iterable[str] | None = ...,
        description: str | None = ...,
    ) -> None: ...

class CreateWebhookResponse(Message):
    """The webhook, made."""
    @property
    def webhook(self) -> Webhook: ...
    secret: str
    """What its `v1` signatures are checked with: `whsec_` and 32 bytes in base64. Shown once."""
    def __init__(
        self,
        *,
        webhook: Webhook | Mapping[str, Any] | None = ...,
        secret: str | None = ...,
    ) -> None: ...

class GetWebhookRequest(Message):
    """Asks for a webhook."""
    webhook_id: str
    """A webhook of the calling key."""
    def __init__(
        self,
        *,
        webhook_id: str | None = ...,
    ) -> None: ...

class GetWebhookResponse(Message):
    """The webhook."""
    @property
    def webhook(self) -> Webhook: ...
    def __init__(
        self,
        *,
        webhook: Webhook | Mapping[str, Any] | None = ...,
    ) -> None: ...

class ListWebhooksRequest(Message):
    """Asks for the webhooks of the calling key."""
    def __init__(self) -> None: ...

class ListWebhooksResponse(Message):
    """The webhooks of the calling key."""
    @property
    def webhooks(self) -> RepeatedCompositeFieldContainer[Webhook]: ...
    def __init__(
        self,
        *,
        webhooks: Iterable[Webhook | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class UpdateWebhookRequest(Message):
    """Asks to change a webhook."""
    webhook_id: str
    """A webhook of the calling key."""
    url: str
    """Where to send events to from now on."""
    @property
    def types(self) -> RepeatedScalarFieldContainer[str]:
        """The types of events to send from now on; none leaves them as they are."""
    all_types: bool
    """True sends events of all types from now on. Excludes `types`."""
    description: str
    """The new note; at most 200 characters, no control or invisible characters."""
    is_paused: bool
    """True pauses the webhook, false lets it go on."""
    def __init__(
        self,
        *,
        webhook_id: str | None = ...,
        url: str | None = ...,
        types: Iterable[str] | None = ...,
        all_types: bool | None = ...,
        description: str | None = ...,
        is_paused: bool | None = ...,
    ) -> None: ...

class UpdateWebhookResponse(Message):
    """The webhook, changed."""
    @property
    def webhook(self) -> Webhook: ...
    def __init__(
        self,
        *,
        webhook: Webhook | Mapping[str, Any] | None = ...,
    ) -> None: ...

class DeleteWebhookRequest(Message):
    """Asks to delete a webhook."""
    webhook_id: str
    """A webhook of the calling key."""
    def __init__(
        self,
        *,
        webhook_id: str | None = ...,
    ) -> None: ...

class DeleteWebhookResponse(Message):
    """The webhook is deleted."""
    def __init__(self) -> None: ...

class RotateWebhookSecretRequest(Message):
    """Asks for a new secret."""
    webhook_id: str
    """A webhook of the calling key."""
    @property
    def overlap(self) -> Duration:
        """How long events are signed with the old secret and key, too, at most 48 hours; 24 hours when left out."""
    def __init__(
        self,
        *,
        webhook_id: str | None = ...,
        overlap: timedelta | None = ...,
    ) -> None: ...

class RotateWebhookSecretResponse(Message):
    """The new secret."""
    @property
    def webhook(self) -> Webhook: ...
    secret: str
    """What `v1` signatures are checked with from now on: `whsec_` and 32 bytes in base64. Shown once."""
    def __init__(
        self,
        *,
        webhook: Webhook | Mapping[str, Any] | None = ...,
        secret: str | None = ...,
    ) -> None: ...

class ListDeliveriesRequest(Message):
    """Asks for one page of deliveries."""
    webhook_id: str
    """A webhook of the calling key."""
    state: DeliveryState
    """Only those of this state; of all where it is left out."""
    page_size: int
    """How many to return at most, 1 to 100; 0 means 20."""
    page_token: str
    """next_page_token of the page before; empty for the first page."""
    def __init__(
        self,
        *,
        webhook_id: str | None = ...,
        state: DeliveryState | str | None = ...,
        page_size: int | None = ...,
        page_token: str | None = ...,
    ) -> None: ...

class ListDeliveriesResponse(Message):
    """One page of deliveries."""
    @property
    def deliveries(self) -> RepeatedCompositeFieldContainer[Delivery]: ...
    next_page_token: str
    """Pass it as page_token to get the next page; empty on the last one."""
    def __init__(
        self,
        *,
        deliveries: Iterable[Delivery | Mapping[str, Any]] | None = ...,
        next_page_token: str | None = ...,
    ) -> None: ...

class RedeliverEventsRequest(Message):
    """Asks to send events again."""
    webhook_id: str
    """A webhook of the calling key."""
    @property
    def deliveries(self) -> DeliveryIds:
        """Those of some deliveries."""
    @property
    def range(self) -> SequenceRange:
        """Those of a range of the feed."""
    @property
    def since(self) -> Timestamp:
        """Those that became readable at this moment or later, at most 30 days ago."""
    def __init__(
        self,
        *,
        webhook_id: str | None = ...,
        deliveries: DeliveryIds | Mapping[str, Any] | None = ...,
        range: SequenceRange | Mapping[str, Any] | None = ...,
        since: datetime | None = ...,
    ) -> None: ...

class DeliveryIds(Message):
    """Some deliveries."""
    @property
    def delivery_ids(self) -> RepeatedScalarFieldContainer[str]:
        """1 to 100 deliveries of the webhook."""
    def __init__(
        self,
        *,
        delivery_ids: Iterable[str] | None = ...,
    ) -> None: ...

class SequenceRange(Message):
    """A range of the feed, both ends included."""
    first: int
    """The sequence of the first event."""
    last: int
    """The sequence of the last event."""
    def __init__(
        self,
        *,
        first: int | None = ...,
        last: int | None = ...,
    ) -> None: ...

class RedeliverEventsResponse(Message):
    """The events will be sent again."""
    @property
    def webhook(self) -> Webhook: ...
    def __init__(
        self,
        *,
        webhook: Webhook | Mapping[str, Any] | None = ...,
    ) -> None: ...

class SendTestEventRequest(Message):
    """Asks for a test event."""
    webhook_id: str
    """A webhook of the calling key."""
    def __init__(
        self,
        *,
        webhook_id: str | None = ...,
    ) -> None: ...

class SendTestEventResponse(Message):
    """The test event, on its way."""
    @property
    def delivery(self) -> Delivery: ...
    def __init__(
        self,
        *,
        delivery: Delivery | Mapping[str, Any] | None = ...,
    ) -> None: ...

class EventService:
    """Reads the feed: every transfer and every other event of all users, in one order in which nothing ever appears before what was already read. So a reader that keeps the last cursor misses nothing and need not read anything twice. Transfers of a wallet come in the order of its balances. An event can be read within half a second of its commit, and for 30 days.
    
    A cursor of an earlier feed is refused with FEED_RESTARTED: the database was restored from a backup, and what was told after the moment of the backup may not have happened. One that is older than the events that are kept is refused with CURSOR_EXPIRED."""
    ListEvents: ClassVar[Unary[ListEventsRequest, ListEventsResponse]]
    """Lists events after a cursor, the oldest first. A page may have fewer events than its size, or none, though more follow: go on from `next_cursor` until it stays the same, and then ask again later."""
    StreamEvents: ClassVar[Stream[StreamEventsRequest, Event]]
    """Streams events after a cursor, and then each as it happens. A slow reader misses nothing. Without an event a message with `cursor` alone is sent every 30 seconds, so that proxies do not close the stream; its cursor is as good as that of an event.
    
    A stream ends with DEADLINE_EXCEEDED after ten minutes, or at the caller's deadline where that is earlier; a server that stops ends it with UNAVAILABLE. In both cases go on from the last cursor. Over REST each message is a line of JSON, or a server-sent event where the Accept header says text/event-stream; then the header Last-Event-ID takes the place of `after_cursor`. A key may have 10 streams open on one server (RATE_LIMITED above that)."""

class GiftService:
    """Sends money that its receiver accepts or declines. Until then it is in neither wallet: it has left the sender's balance, and shows in the held_amount of the sender's wallet. The sender can cancel it as long as it is open, and a gift that nobody ends expires: the money returns by itself. For anyone but its sender and its receiver a gift does not exist: GIFT_NOT_FOUND. Accepting, declining, cancelling and expiry of one gift never happen together: one is first, and the others are refused with GIFT_ACCEPTED, GIFT_DECLINED, GIFT_CANCELLED or GIFT_EXPIRED."""
    CreateGift: ClassVar[Unary[CreateGiftRequest, CreateGiftResponse]]
    """Moves money out of a wallet of the acting user into a gift for another user."""
    AcceptGift: ClassVar[Unary[AcceptGiftRequest, AcceptGiftResponse]]
    """Moves all of a gift into a wallet of its receiver, who is the acting user."""
    DeclineGift: ClassVar[Unary[DeclineGiftRequest, DeclineGiftResponse]]
    """Gives all of a gift back to its sender. Its receiver may do that, who is the acting user."""
    CancelGift: ClassVar[Unary[CancelGiftRequest, CancelGiftResponse]]
    """Takes all of a gift back that was neither accepted nor declined. Its sender may do that, who is the acting user."""
    GetGift: ClassVar[Unary[GetGiftRequest, GetGiftResponse]]
    """Returns a gift. Its sender can name it by its reference, too."""
    ListGifts: ClassVar[Paged[ListGiftsRequest, ListGiftsResponse, Gift]]
    """Lists the gifts that the acting user sent, and those for the acting user, newest first."""

class HoldService:
    """Sets money aside at once and pays it out later, in one part or in several, or gives it back. What is held has left the wallet's balance, so no more can be held or captured than there is. A hold that nobody ends expires: what is left of it returns to the wallet by itself. For anyone but its holder and its receiver a hold does not exist: HOLD_NOT_FOUND."""
    CreateHold: ClassVar[Unary[CreateHoldRequest, CreateHoldResponse]]
    """Moves money out of a wallet of the acting user into a hold. It is for the receiver that is named, or, where none is, for whom the holder names when capturing."""
    CaptureHold: ClassVar[Unary[CaptureHoldRequest, CaptureHoldResponse]]
    """Pays what is held, or a part of it. The receiver captures a hold that names one; the holder captures one that does not. Without an amount all that is left is captured. A capture above what is left is refused with HOLD_AMOUNT_EXCEEDED, whose metadata has what is left, and moves nothing. A hold that is captured in whole, voided or expired is refused with HOLD_CAPTURED, HOLD_VOIDED or HOLD_EXPIRED."""
    VoidHold: ClassVar[Unary[VoidHoldRequest, VoidHoldResponse]]
    """Gives back what is left of a hold. Its holder and its receiver may do that. It is refused as a capture is."""
    GetHold: ClassVar[Unary[GetHoldRequest, GetHoldResponse]]
    """Returns a hold. The holder can name it by its reference, too."""
    ListHolds: ClassVar[Paged[ListHoldsRequest, ListHoldsResponse, Hold]]
    """Lists the holds on a wallet of the acting user, and those that would be paid into it, newest first."""

class PayoutService:
    """Pays up to 100,000 lines out of a wallet of the acting user. A payout is made as a draft, gets its lines in order, up to 1,000 in a call, and is started. Its money then leaves the wallet at once and is set aside, and its lines are paid in their order in the background. Every line is paid once, whatever crashes on the way. For anyone but its owner a payout does not exist: PAYOUT_NOT_FOUND."""
    CreatePayout: ClassVar[Unary[CreatePayoutRequest, CreatePayoutResponse]]
    """Creates a draft without lines. No money moves."""
    AddPayoutLines: ClassVar[Unary[AddPayoutLinesRequest, AddPayoutLinesResponse]]
    """Adds lines after those that the payout has. Lines that it has already, sent again unchanged, are not added twice, so a call whose answer was lost can be repeated as it was. A line that cannot be paid is added all the same, and the answer names it: with PAYOUT_MODE_EACH it will be left out, with PAYOUT_MODE_ALL_OR_NOTHING the payout will not start. No money moves."""
    StartPayout: ClassVar[Unary[StartPayoutRequest, StartPayoutResponse]]
    """Sets the money aside and starts to pay. With PAYOUT_MODE_ALL_OR_NOTHING it is refused where a line is bad (PAYOUT_HAS_INVALID_LINES names the first ones: `lines[17].user_id`) or the wallet has too little for all of them. With PAYOUT_MODE_EACH as much is set aside as there is, and lines that it does not reach for fail with BALANCE_TOO_LOW."""
    GetPayout: ClassVar[Unary[GetPayoutRequest, GetPayoutResponse]]
    """Returns a payout with its progress. By its id or by the reference that the acting user gave it."""
    WatchPayout: ClassVar[Stream[WatchPayoutRequest, WatchPayoutResponse]]
    """Streams the progress of a payout: the current state at once, then each change, at most twice a second, until it is done or cancelled. The message with the final state is the last one, and then the call is OK. A draft can be watched too: each added line is a change. A slow reader misses intermediate states, but never the final one. Without a change the last message is sent again every 30 seconds, so that proxies do not close the stream.
    
    A stream ends with DEADLINE_EXCEEDED after ten minutes, or at the caller's deadline where that is earlier; a server that stops ends it with UNAVAILABLE. In both cases watch again: a stream begins with the current state. Over REST there is no status after the last line, so a stream was cut off if its last line shows neither PAYOUT_STATE_DONE nor PAYOUT_STATE_CANCELLED. A user may have 10 streams open on one server (RATE_LIMITED above that), and a server has a limit over all users (UNAVAILABLE)."""
    ListPayoutFailures: ClassVar[Paged[ListPayoutFailuresRequest, ListPayoutFailuresResponse, PayoutFailure]]
    """Lists the lines that failed, in their order; of a draft, those that would fail."""
    CancelPayout: ClassVar[Unary[CancelPayoutRequest, CancelPayoutResponse]]
    """Cancels a payout that is not done: paid lines stay paid, and the rest is refunded to the wallet at once."""

class ReceiptService:
    """Proves transfers. Every transfer becomes a leaf of a Merkle tree (RFC 9162), whose size and root are signed every ten seconds where it has grown. Who keeps a receipt can show to anyone, without asking ppuri, that the transfer was posted with this amount at this time, and notices when the log is changed behind it. docs/receipts.md says how to check one, and what it does not prove."""
    GetReceipt: ClassVar[Unary[GetReceiptRequest, GetReceiptResponse]]
    """Returns the receipt of a transfer that came from or went to a wallet of the acting user; to anyone else the transfer does not exist. A transfer of the last seconds is not in a signed checkpoint yet: RECEIPT_NOT_READY, with the time after which to ask again."""
    GetCheckpoint: ClassVar[Unary[GetCheckpointRequest, GetCheckpointResponse]]
    """Returns the newest checkpoint, and the public keys that checkpoints are verified with. Keep checkpoints: one that does not agree with a later one proves that the log was changed."""
    GetConsistencyProof: ClassVar[Unary[GetConsistencyProofRequest, GetConsistencyProofResponse]]
    """Proves that the log of one size is the beginning of the log of another one (RFC 9162, section 2.1.4): nothing in it was changed, reordered or removed in between."""

class RoomService:
    """Rooms and members. A room exists only for its members; for anyone else the answer is ROOM_NOT_FOUND."""
    CreateRoom: ClassVar[Unary[CreateRoomRequest, CreateRoomResponse]]
    """Creates a room under an id that the caller chooses (its chat service gave it). The acting user is its owner and first member. Where the acting user owns a room of this id and name, the answer is that room; otherwise ROOM_EXISTS."""
    GetRoom: ClassVar[Unary[GetRoomRequest, GetRoomResponse]]
    """Returns a room of which the acting user is a member."""
    UpdateRoom: ClassVar[Unary[UpdateRoomRequest, UpdateRoomResponse]]
    """Changes a room that the acting user owns."""
    ListMembers: ClassVar[Paged[ListMembersRequest, ListMembersResponse, Member]]
    """Lists the members of a room of which the acting user is a member, by user id."""
    AddMember: ClassVar[Unary[AddMemberRequest, AddMemberResponse]]
    """Adds a user to a room of which the acting user is a member. Nothing changes for a user who is a member. A user whom the owner removed can be added again only by the owner; others are refused with REMOVED_BY_OWNER."""
    RemoveMember: ClassVar[Unary[RemoveMemberRequest, RemoveMemberResponse]]
    """Removes a user from a room: a member itself, or the owner any other member. A user whom the owner removed stays out until the owner adds that user again."""

class SprinkleService:
    """The sprinkles of a room, in any currency."""
    CreateSprinkle: ClassVar[Unary[CreateSprinkleRequest, CreateSprinkleResponse]]
    """Drops an amount into a room of which the acting user is a member. It leaves the wallet at once and is split into headcount shares of at least one smallest unit. Shares that are not claimed in time are refunded."""
    ClaimSprinkle: ClassVar[Unary[ClaimSprinkleRequest, ClaimSprinkleResponse]]
    """Claims one share. Each member of the room can claim once while the sprinkle is live, or each of those whom it is for; its creator cannot."""
    CancelSprinkle: ClassVar[Unary[CancelSprinkleRequest, CancelSprinkleResponse]]
    """Ends a sprinkle that the acting user made, and gives back what is left of it. Shares that were claimed stay where they are."""
    GetSprinkle: ClassVar[Unary[GetSprinkleRequest, GetSprinkleResponse]]
    """Shows a sprinkle to the members of its room, for 7 days; to anyone else it does not exist. The commitment that it shows before the first claim is what the proof is held against."""
    GetSprinkleProof: ClassVar[Unary[GetSprinkleProofRequest, GetSprinkleProofResponse]]
    """Returns all that is needed to check a sprinkle that is over: the seed, and what each claim added. Members of the room get it, for 7 days after the sprinkle was made. `npm run verify-sprinkle -- proof.json` and `python -m ppuri.verify_sprinkle proof.json` check this answer as JSON; docs/sprinkles.md has the rules. Refused with SPRINKLE_OPEN while shares can be claimed."""
    ListSprinkles: ClassVar[Paged[ListSprinklesRequest, ListSprinklesResponse, Sprinkle]]
    """Lists the sprinkles that the acting user made in the room in the last 7 days, newest first, without their claims."""
    ListRoomSprinkles: ClassVar[Paged[ListRoomSprinklesRequest, ListRoomSprinklesResponse, Sprinkle]]
    """Lists the sprinkles of a room of which the acting user is a member, made in the last 7 days, newest first, without their claims."""
    WatchSprinkle: ClassVar[Stream[WatchSprinkleRequest, WatchSprinkleResponse]]
    """Streams a sprinkle to those who may see it by GetSprinkle: its state at once, then each change, at most twice a second, until it has ended. The message with the final state (EMPTY, EXPIRED or CANCELLED) is the last one, and then the call is OK. One whose time is over is told once no claim of it can be on its way, mostly within seconds. A slow reader misses intermediate states, but no claim and never the final state. Without a change a message without claims is sent every 30 seconds.
    
    A stream ends with DEADLINE_EXCEEDED after ten minutes, or at the caller's deadline where that is earlier, with AUTHENTICATION_FAILED once its key is revoked or has expired, with SPRINKLE_NOT_FOUND once the user has left the room, and with UNAVAILABLE where a server stops. Watch again then: a stream begins with all claims. Over REST a stream whose last line shows SPRINKLE_STATE_LIVE was cut off. A user may have 10 streams open on one server (RATE_LIMITED above that), and a server has a limit over all users (UNAVAILABLE)."""

class TransferService:
    """Moves money. A call is answered once the transfer is on disk, with the balance after it."""
    Deposit: ClassVar[Unary[DepositRequest, DepositResponse]]
    """Deposits money from outside into a wallet of the acting user."""
    Withdraw: ClassVar[Unary[WithdrawRequest, WithdrawResponse]]
    """Takes money out of a wallet of the acting user to the outside."""
    CreateTransfer: ClassVar[Unary[CreateTransferRequest, CreateTransferResponse]]
    """Moves money from a wallet of the acting user to any other wallet of the same currency."""
    CheckTransfer: ClassVar[Unary[CheckTransferRequest, CheckTransferResponse]]
    """Says whether a CreateTransfer with the same fields would be posted at this moment, without posting it: it moves nothing, locks nothing and keeps nothing, so a moment later the answer may be another one."""
    BatchCreateTransfers: ClassVar[Unary[BatchCreateTransfersRequest, BatchCreateTransfersResponse]]
    """Makes up to 1,000 transfers out of wallets of the acting user in one call, in the order of the items: each sees what those before it did. An item that breaks a rule of this contract, or names a currency that does not exist, refuses the whole call in either mode. An answer that is OK is stored under the idempotency key as a whole, with its refused items, even where all were refused: to retry a refused item, use a new key."""
    GetTransfer: ClassVar[Unary[GetTransferRequest, GetTransferResponse]]
    """Returns a transfer that came from or went to a wallet of the acting user, or the one to which the acting user gave a reference; to anyone else it does not exist. Over REST a reference is sent in the query, percent-encoded: `/api/v2/transfers:byReference?reference=order-1042`."""
    RefundTransfer: ClassVar[Unary[RefundTransferRequest, RefundTransferResponse]]
    """Gives money that came by a transfer back to its payer, once or in parts. The receiver of a transfer, a claim, a payout's line, a capture or a gift refunds it, out of the wallet that received it; money that came by way of a sprinkle, a payout, a hold or a gift goes back to the wallet that it was set aside from. Without an amount all that was not refunded yet is. The refunds of a transfer are never more than the transfer: REFUND_EXCEEDS_TRANSFER has in its metadata how much can be refunded."""
    ListRefunds: ClassVar[Paged[ListRefundsRequest, ListRefundsResponse, Transfer]]
    """Lists the refunds of a transfer that came from or went to a wallet of the acting user, newest first."""
    GetOutcome: ClassVar[Unary[GetOutcomeRequest, GetOutcomeResponse]]
    """Returns what became of an idempotency key of the acting user, without moving money: the answer of the call that was done under it, or that no attempt sent so far can still be done. In the second case it ends the attempts that are in flight, which is why it requires the scope for paying; an attempt that is sent afterwards may be done. Over REST a key with other characters than letters, digits, `-`, `.`, `_` and `~` is sent in the query, percent-encoded: `/api/v2/outcomes?idempotency_key=a%2Fb`."""

class UserService:
    """Users and friends."""
    CreateUser: ClassVar[Unary[CreateUserRequest, CreateUserResponse]]
    """Creates a user with an id from the caller's identity service, and a default wallet in KRW. Where there is a user of this id and name, the answer is that user; USER_EXISTS where the name is another one."""
    GetUser: ClassVar[Unary[GetUserRequest, GetUserResponse]]
    """Returns a user's profile."""
    UpdateUser: ClassVar[Unary[UpdateUserRequest, UpdateUserResponse]]
    """Changes the profile of the acting user."""
    ListFriends: ClassVar[Paged[ListFriendsRequest, ListFriendsResponse, User]]
    """Lists the acting user's friends, by user id. Other users' friends are not shown."""
    AddFriend: ClassVar[Unary[AddFriendRequest, AddFriendResponse]]
    """Sends a friend request to another user, or accepts that user's request. Without effect where there is a request already, or the two are friends. Refused with QUOTA_EXCEEDED where the acting user has the maximum number of friends and requests."""
    ListFriendRequests: ClassVar[Paged[ListFriendRequestsRequest, ListFriendRequestsResponse, FriendRequest]]
    """Lists requests to be friends that others sent to the acting user, or that it sent, by the other side's user id."""
    RemoveFriend: ClassVar[Unary[RemoveFriendRequest, RemoveFriendResponse]]
    """Ends the friendship of the acting user and another one, withdraws a request to be friends, or declines one. Where there is none of these, nothing changes."""

class WalletService:
    """The wallets of the acting user. For the wallet of another user the answer is WALLET_NOT_FOUND."""
    CreateWallet: ClassVar[Unary[CreateWalletRequest, CreateWalletResponse]]
    """Opens another wallet for the acting user. It starts empty."""
    GetWallet: ClassVar[Unary[GetWalletRequest, GetWalletResponse]]
    """Returns a wallet with its balance, by its id or by the reference that the acting user gave it."""
    ListWallets: ClassVar[Paged[ListWalletsRequest, ListWalletsResponse, Wallet]]
    """Lists the acting user's wallets, the default one first, then oldest first."""
    UpdateWallet: ClassVar[Unary[UpdateWalletRequest, UpdateWalletResponse]]
    """Renames a wallet of the acting user, or makes it the default one. A field that is left out stays as it is."""
    CloseWallet: ClassVar[Unary[CloseWalletRequest, CloseWalletResponse]]
    """Closes a wallet of the acting user for good: it pays and receives no more, and its history stays. It has to be empty, with nothing set aside in holds, sprinkles or payouts. The default wallet is closed last."""
    GetBalance: ClassVar[Unary[GetBalanceRequest, GetBalanceResponse]]
    """Returns the balance of a wallet, now or as it was."""
    BatchGetBalances: ClassVar[Unary[BatchGetBalancesRequest, BatchGetBalancesResponse]]
    """Returns the balances of up to 1,000 wallets as of one moment, in the order asked. Over REST a query has room for about 300 wallets; more are sent in the body of a POST to the same path."""
    GetLimits: ClassVar[Unary[GetLimitsRequest, GetLimitsResponse]]
    """Returns the limits on what the acting user holds and moves in a currency, and how the user stands against each. Where none is in force the list is empty."""
    ListTransactions: ClassVar[Paged[ListTransactionsRequest, ListTransactionsResponse, Transaction]]
    """Lists what came into and went out of a wallet, newest first. With filters it returns what fits all of them. A page may then have fewer transactions than `page_size`, or none, and still have a `next_page_token`: where no index knows a filter, a page examines 500 transfers at most. The list has ended where the token is empty."""
    ExportStatement: ClassVar[Stream[ExportStatementRequest, HttpBody]]
    """Streams the statement of a wallet as CSV or NDJSON: every transfer of a period, oldest first, with the balance after it, from months in the archive and since alike. The messages are pieces of one file, which over REST is the body.
    
    The first record (OPENING) has the balance before the period, and the last one (CLOSING) how many transfers there are, what came in, what went out, and the balance at the end. A file without a CLOSING record was cut off, whatever the HTTP status: it was sent before. The statement is as of one moment. Nothing can be added to its period later, so a statement with created_from at the time of its CLOSING record continues it.
    
    A record has `type` (OPENING, CLOSING, or a TransferKind without its prefix), `number`, `time` (RFC 3339), `amount_in`, `amount_out`, `balance`, `currency`, `counterparty_user_id`, `counterparty_wallet_id`, `memo`, `reference`, `transfer_id`, `sprinkle_id`, `hold_id`, `gift_id` and `refunds_transfer_id`. Amounts are exact decimals with all digits of the currency: 10 KRW, 0.10 USD.
    
    A statement ends with DEADLINE_EXCEEDED after ten minutes. A user may have 2 statements under way on one server (RATE_LIMITED above that), and a server has a limit over all users (UNAVAILABLE)."""
    WatchWallet: ClassVar[Stream[WatchWalletRequest, WatchWalletResponse]]
    """Streams a wallet: its balance and every transaction from a cursor on, then each new one within a second. Every message has a cursor. A reader that comes back with the cursor of the last message, to any server, is sent every transaction after it once, in the order of ListTransactions (oldest first): nothing is missed, and nothing comes twice.
    
    Without `after_cursor` the stream begins with a snapshot of the wallet as it is now. With one it begins with the transactions after it; the snapshot follows when all are sent, and says that the reader is up to date. A further snapshot follows each change that is no transaction: another name, freezes, the amount in holds. Without any of this a heartbeat is sent every 15 seconds.
    
    A reader that is up to date and then falls more than 2,000 transactions behind is sent a gap and a snapshot instead of them; the gap says how to get what it leaves out. A wallet that is closed has one last snapshot, and then the call is OK.
    
    FEED_RESTARTED means that the transaction of `after_cursor` does not exist any more: the database was restored from a backup, and transactions that were sent are gone. Discard them, list the transactions again, and watch without a cursor.
    
    A stream ends with DEADLINE_EXCEEDED after ten minutes, or at the caller's deadline where that is earlier, with AUTHENTICATION_FAILED once its key is revoked or has expired, and with UNAVAILABLE where a server stops. Over REST the stream then ends without a word, after which the next call answers with what is wrong. A message is a line of JSON, or, for a request with `Accept: text/event-stream`, a server-sent event whose id is the cursor; the header Last-Event-ID counts more than `after_cursor`. A user may have 10 streams open on one server (RATE_LIMITED above that), and a server has a limit over all users (UNAVAILABLE)."""

class WebhookService:
    """Sends events to addresses of the caller's, after the Standard Webhooks specification (https://www.standardwebhooks.com). A webhook belongs to the API key that made it and to the keys that replace that one; for any other key it does not exist: WEBHOOK_NOT_FOUND. It sends nothing while none of these keys is live.
    
    Each event is a POST whose body is CloudEvents 1.0 in JSON. The header `webhook-id` is the id of the event, the same however often it is sent; `webhook-timestamp` is the moment of the attempt, in seconds since 1970; and `webhook-signature` has a signature `v1` (HMAC-SHA256) and one `v1a` (Ed25519) over `id.timestamp.body`, and two more while a replaced secret is still valid. An answer with a status from 200 to 299 within 10 seconds takes the event. Everything else is tried again, after 5 seconds first and later after up to an hour, for 3 days; then the webhook is paused, and an event `webhook.paused` says so. The status 410 pauses it at once. Redirects are not followed.
    
    An event is sent at least once. It waits while an earlier event of one of its wallets is not taken yet; events of other wallets go on. At most 1,000 events of a webhook wait for another attempt, and the later ones wait in the feed."""
    CreateWebhook: ClassVar[Unary[CreateWebhookRequest, CreateWebhookResponse]]
    """Makes a webhook. It is sent the events that happen from now on. Its secret is in this answer only and cannot be read again; the public key can."""
    GetWebhook: ClassVar[Unary[GetWebhookRequest, GetWebhookResponse]]
    """Returns a webhook, without its secret."""
    ListWebhooks: ClassVar[Unary[ListWebhooksRequest, ListWebhooksResponse]]
    """Lists the webhooks of the calling key and of those that it replaced, oldest first."""
    UpdateWebhook: ClassVar[Unary[UpdateWebhookRequest, UpdateWebhookResponse]]
    """Changes a webhook, pauses it or lets it go on. A field that is left out stays as it is. What it has not sent yet goes to the new address. One that goes on sends everything since it was paused, at once, but for events that are older than 30 days: `expired_first_sequence` says which."""
    DeleteWebhook: ClassVar[Unary[DeleteWebhookRequest, DeleteWebhookResponse]]
    """Deletes a webhook. What is being sent just then may still arrive."""
    RotateWebhookSecret: ClassVar[Unary[RotateWebhookSecretRequest, RotateWebhookSecretResponse]]
    """Gives a webhook a new secret and a new pair of keys. Until the overlap is over, each event is signed with the old ones too. While that lasts they cannot be replaced again (WEBHOOK_ROTATION_IN_PROGRESS), unless without an overlap: then all old ones end at once."""
    ListDeliveries: ClassVar[Paged[ListDeliveriesRequest, ListDeliveriesResponse, Delivery]]
    """Lists what a webhook has sent or has yet to send, newest first, with the attempts. Deliveries are kept for 30 days."""
    RedeliverEvents: ClassVar[Unary[RedeliverEventsRequest, RedeliverEventsResponse]]
    """Sends events again: some deliveries, the events of a range, or all since a moment. A range or a moment goes over the feed from its first event on, also over what was never sent; only one of them is under way at a time (WEBHOOK_REDELIVERY_IN_PROGRESS). The events have the same ids as before."""
    SendTestEvent: ClassVar[Unary[SendTestEventRequest, SendTestEventResponse]]
    """Sends an event of the type `webhook.test`, which is not in the feed. ListDeliveries shows what became of it. A paused webhook sends it when it goes on."""

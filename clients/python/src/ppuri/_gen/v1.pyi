"""Messages, enums and RPCs of wallet.v1. Printed by `npm run gen`."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.internal.containers import RepeatedCompositeFieldContainer, RepeatedScalarFieldContainer
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from ..rpc import Paged, Stream, Unary

class TransactionKind(int):
    """Why money moved."""
    @classmethod
    def Name(cls, number: int) -> str: ...
    @classmethod
    def Value(cls, name: str) -> TransactionKind: ...

TRANSACTION_KIND_UNSPECIFIED: Final[TransactionKind]
TRANSACTION_KIND_DEPOSIT: Final[TransactionKind]
"""Money from outside came in."""
TRANSACTION_KIND_WITHDRAWAL: Final[TransactionKind]
"""Money went outside."""
TRANSACTION_KIND_TRANSFER: Final[TransactionKind]
"""From one user to another."""
TRANSACTION_KIND_SPRINKLE: Final[TransactionKind]
"""Set aside for a sprinkle by its creator."""
TRANSACTION_KIND_CLAIM: Final[TransactionKind]
"""A claimed share of a sprinkle."""
TRANSACTION_KIND_REFUND: Final[TransactionKind]
"""A refund: the unclaimed rest of a sprinkle, the unpaid rest of a payout, or money that a receiver gave back."""
TRANSACTION_KIND_PAYOUT: Final[TransactionKind]
"""Set aside for a payout (wallet.v2) when it was started."""
TRANSACTION_KIND_PAYOUT_LINE: Final[TransactionKind]
"""A line of a payout, paid."""
TRANSACTION_KIND_HOLD: Final[TransactionKind]
"""Set aside in a hold (wallet.v2)."""
TRANSACTION_KIND_CAPTURE: Final[TransactionKind]
"""Paid out of a hold."""
TRANSACTION_KIND_VOID: Final[TransactionKind]
"""Returned from a hold."""
TRANSACTION_KIND_GIFT: Final[TransactionKind]
"""Set aside in a gift (wallet.v2)."""
TRANSACTION_KIND_GIFT_ACCEPT: Final[TransactionKind]
"""A gift, accepted."""
TRANSACTION_KIND_GIFT_RETURN: Final[TransactionKind]
"""Returned from a gift."""
TRANSACTION_KIND_REVERSAL: Final[TransactionKind]
"""Taken back by an operator, in whole or in part: it goes from who received a transfer to who paid it."""

class GetRoomRequest(Message):
    """Asks for a room."""
    room_id: str
    """1 to 64 letters, digits, hyphens or underscores."""
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

class Room(Message):
    """A chat room."""
    room_id: str
    """The id that its creator chose."""
    display_name: str
    """The name that its members see."""
    @property
    def created_at(self) -> Timestamp:
        """When the room was created."""
    def __init__(
        self,
        *,
        room_id: str | None = ...,
        display_name: str | None = ...,
        created_at: datetime | None = ...,
    ) -> None: ...

class ListMembersRequest(Message):
    """Asks for one page of members."""
    room_id: str
    """1 to 64 letters, digits, hyphens or underscores."""
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

class CreateSprinkleRequest(Message):
    """Asks to drop an amount."""
    amount: int
    """Whole won, 1 to 281,474,976,710,655 (2^48 - 1, as far as shares are drawn evenly); at least headcount."""
    headcount: int
    """The number of shares, 1 to 10,000."""
    def __init__(
        self,
        *,
        amount: int | None = ...,
        headcount: int | None = ...,
    ) -> None: ...

class CreateSprinkleResponse(Message):
    """The sprinkle, made."""
    token: str
    """The token that members of the room claim with: 3 letters or digits, unique among the room's live sprinkles."""
    def __init__(
        self,
        *,
        token: str | None = ...,
    ) -> None: ...

class ClaimSprinkleRequest(Message):
    """Asks to claim a share."""
    token: str
    """The token that the creator got."""
    def __init__(
        self,
        *,
        token: str | None = ...,
    ) -> None: ...

class ClaimSprinkleResponse(Message):
    """The claimed share."""
    amount: int
    """Whole won."""
    def __init__(
        self,
        *,
        amount: int | None = ...,
    ) -> None: ...

class GetSprinkleRequest(Message):
    """Asks to see a sprinkle of one's own."""
    token: str
    """The token that CreateSprinkle returned."""
    def __init__(
        self,
        *,
        token: str | None = ...,
    ) -> None: ...

class GetSprinkleResponse(Message):
    """A sprinkle as its creator sees it."""
    @property
    def created_at(self) -> Timestamp:
        """When the sprinkle was made."""
    amount: int
    """What was dropped, in whole won."""
    claimed_amount: int
    """What was claimed so far, in whole won."""
    @property
    def claims(self) -> RepeatedCompositeFieldContainer[Claim]:
        """The claims, oldest first."""
    def __init__(
        self,
        *,
        created_at: datetime | None = ...,
        amount: int | None = ...,
        claimed_amount: int | None = ...,
        claims: Iterable[Claim | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class Claim(Message):
    """One claimed share."""
    user_id: int
    """Who claimed it."""
    amount: int
    """Whole won."""
    def __init__(
        self,
        *,
        user_id: int | None = ...,
        amount: int | None = ...,
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

class GetBalanceRequest(Message):
    """Asks for the acting user's balance."""
    def __init__(self) -> None: ...

class GetBalanceResponse(Message):
    """The acting user's balance."""
    balance: int
    """Whole won."""
    def __init__(
        self,
        *,
        balance: int | None = ...,
    ) -> None: ...

class ListTransactionsRequest(Message):
    """Asks for one page of the acting user's transactions."""
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
    """One change of the wallet's balance."""
    transaction_id: str
    """The transfer's id, a UUID."""
    kind: TransactionKind
    amount: int
    """Whole won: above zero came in, below zero went out."""
    balance_after: int
    """The wallet's balance right after, in whole won."""
    counterparty_user_id: int
    """The user on the other side of a transfer; 0 where there is none (a charge, a sprinkle)."""
    memo: str
    """The note of the transfer; empty where it has none."""
    @property
    def created_at(self) -> Timestamp:
        """When it happened."""
    def __init__(
        self,
        *,
        transaction_id: str | None = ...,
        kind: TransactionKind | str | None = ...,
        amount: int | None = ...,
        balance_after: int | None = ...,
        counterparty_user_id: int | None = ...,
        memo: str | None = ...,
        created_at: datetime | None = ...,
    ) -> None: ...

class ChargeRequest(Message):
    """A request for a deposit."""
    amount: int
    """Whole won, 1 to 9,007,199,254,740,991 (the largest whole number that every JSON client keeps exact)."""
    def __init__(
        self,
        *,
        amount: int | None = ...,
    ) -> None: ...

class ChargeResponse(Message):
    """The charge, done."""
    transaction_id: str
    """The id of the deposit, a UUID."""
    balance: int
    """The wallet's balance right after, in whole won."""
    def __init__(
        self,
        *,
        transaction_id: str | None = ...,
        balance: int | None = ...,
    ) -> None: ...

class TransferRequest(Message):
    """Asks to move money to another user."""
    to_user_id: int
    """The recipient; not the acting user."""
    amount: int
    """Whole won, 1 to 9,007,199,254,740,991."""
    memo: str
    """A note that both sides see; at most 200 characters, no control or invisible characters."""
    def __init__(
        self,
        *,
        to_user_id: int | None = ...,
        amount: int | None = ...,
        memo: str | None = ...,
    ) -> None: ...

class TransferResponse(Message):
    """The transfer, done."""
    transaction_id: str
    """The id of the transfer, a UUID."""
    balance: int
    """The acting user's balance right after, in whole won."""
    def __init__(
        self,
        *,
        transaction_id: str | None = ...,
        balance: int | None = ...,
    ) -> None: ...

class RoomService:
    """Rooms and members, to read. wallet.v2 writes them. A room exists only for its members; for anyone else the answer is ROOM_NOT_FOUND."""
    GetRoom: ClassVar[Unary[GetRoomRequest, GetRoomResponse]]
    """Returns a room of which the acting user is a member."""
    ListMembers: ClassVar[Paged[ListMembersRequest, ListMembersResponse, Member]]
    """Lists the members of a room of which the acting user is a member, by user id."""

class SprinkleService:
    """The sprinkles of the room that the x-room-id header names. Every amount is whole Korean won (KRW)."""
    CreateSprinkle: ClassVar[Unary[CreateSprinkleRequest, CreateSprinkleResponse]]
    """Drops an amount into the room. It leaves the acting user's wallet at once and is split at random into headcount shares of at least 1 won. Shares that are not claimed within 10 minutes are refunded."""
    ClaimSprinkle: ClassVar[Unary[ClaimSprinkleRequest, ClaimSprinkleResponse]]
    """Claims one share into the acting user's wallet. Each member of the room can claim once while the sprinkle is live; its creator cannot."""
    GetSprinkle: ClassVar[Unary[GetSprinkleRequest, GetSprinkleResponse]]
    """Shows a sprinkle to its creator, for 7 days; to anyone else it does not exist."""

class UserService:
    """Users and friends, to read. wallet.v2 writes them."""
    GetUser: ClassVar[Unary[GetUserRequest, GetUserResponse]]
    """Returns a user's profile."""
    ListFriends: ClassVar[Paged[ListFriendsRequest, ListFriendsResponse, User]]
    """Lists the acting user's friends, by user id. Other users' friends are not shown."""

class WalletService:
    """The wallet of the acting user. Every amount is whole Korean won (KRW)."""
    GetBalance: ClassVar[Unary[GetBalanceRequest, GetBalanceResponse]]
    """Returns the balance of the acting user's wallet."""
    ListTransactions: ClassVar[Paged[ListTransactionsRequest, ListTransactionsResponse, Transaction]]
    """Lists what came into and went out of the acting user's wallet, newest first."""
    Charge: ClassVar[Unary[ChargeRequest, ChargeResponse]]
    """Deposits money from outside into the acting user's wallet."""
    Transfer: ClassVar[Unary[TransferRequest, TransferResponse]]
    """Moves money from the acting user's wallet to another user's."""

"""Messages, enums and RPCs of wallet.v1. Printed by `npm run gen`."""

from .._pool import enum, message
from ..rpc import Paged, Route, Stream, Unary

GetRoomRequest = message("wallet.v1.GetRoomRequest")
GetRoomResponse = message("wallet.v1.GetRoomResponse")
Room = message("wallet.v1.Room")
ListMembersRequest = message("wallet.v1.ListMembersRequest")
ListMembersResponse = message("wallet.v1.ListMembersResponse")
Member = message("wallet.v1.Member")
CreateSprinkleRequest = message("wallet.v1.CreateSprinkleRequest")
CreateSprinkleResponse = message("wallet.v1.CreateSprinkleResponse")
ClaimSprinkleRequest = message("wallet.v1.ClaimSprinkleRequest")
ClaimSprinkleResponse = message("wallet.v1.ClaimSprinkleResponse")
GetSprinkleRequest = message("wallet.v1.GetSprinkleRequest")
GetSprinkleResponse = message("wallet.v1.GetSprinkleResponse")
Claim = message("wallet.v1.Claim")
GetUserRequest = message("wallet.v1.GetUserRequest")
GetUserResponse = message("wallet.v1.GetUserResponse")
User = message("wallet.v1.User")
ListFriendsRequest = message("wallet.v1.ListFriendsRequest")
ListFriendsResponse = message("wallet.v1.ListFriendsResponse")
GetBalanceRequest = message("wallet.v1.GetBalanceRequest")
GetBalanceResponse = message("wallet.v1.GetBalanceResponse")
ListTransactionsRequest = message("wallet.v1.ListTransactionsRequest")
ListTransactionsResponse = message("wallet.v1.ListTransactionsResponse")
Transaction = message("wallet.v1.Transaction")
ChargeRequest = message("wallet.v1.ChargeRequest")
ChargeResponse = message("wallet.v1.ChargeResponse")
TransferRequest = message("wallet.v1.TransferRequest")
TransferResponse = message("wallet.v1.TransferResponse")
TransactionKind = enum("wallet.v1.TransactionKind")
TRANSACTION_KIND_UNSPECIFIED = 0
TRANSACTION_KIND_DEPOSIT = 1
TRANSACTION_KIND_WITHDRAWAL = 2
TRANSACTION_KIND_TRANSFER = 3
TRANSACTION_KIND_SPRINKLE = 4
TRANSACTION_KIND_CLAIM = 5
TRANSACTION_KIND_REFUND = 6
TRANSACTION_KIND_PAYOUT = 7
TRANSACTION_KIND_PAYOUT_LINE = 8
TRANSACTION_KIND_HOLD = 9
TRANSACTION_KIND_CAPTURE = 10
TRANSACTION_KIND_VOID = 11
TRANSACTION_KIND_GIFT = 12
TRANSACTION_KIND_GIFT_ACCEPT = 13
TRANSACTION_KIND_GIFT_RETURN = 14
TRANSACTION_KIND_REVERSAL = 15


class RoomService:
    GetRoom = Unary(
        "wallet.v1.RoomService/GetRoom",
        GetRoomRequest,
        GetRoomResponse,
        (Route("GET", "/api/v1/rooms/{room_id}"),),
        is_repeatable=True,
    )
    ListMembers = Paged(
        "wallet.v1.RoomService/ListMembers",
        ListMembersRequest,
        ListMembersResponse,
        (Route("GET", "/api/v1/rooms/{room_id}/members"),),
        is_repeatable=True,
        items="members",
    )


class SprinkleService:
    CreateSprinkle = Unary(
        "wallet.v1.SprinkleService/CreateSprinkle",
        CreateSprinkleRequest,
        CreateSprinkleResponse,
        (Route("POST", "/api/v1/sprinkles", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    ClaimSprinkle = Unary(
        "wallet.v1.SprinkleService/ClaimSprinkle",
        ClaimSprinkleRequest,
        ClaimSprinkleResponse,
        (Route("POST", "/api/v1/sprinkles/{token}/claim", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    GetSprinkle = Unary(
        "wallet.v1.SprinkleService/GetSprinkle",
        GetSprinkleRequest,
        GetSprinkleResponse,
        (Route("GET", "/api/v1/sprinkles/{token}"),),
        is_repeatable=True,
    )


class UserService:
    GetUser = Unary(
        "wallet.v1.UserService/GetUser",
        GetUserRequest,
        GetUserResponse,
        (Route("GET", "/api/v1/users/{user_id}"),),
        is_repeatable=True,
    )
    ListFriends = Paged(
        "wallet.v1.UserService/ListFriends",
        ListFriendsRequest,
        ListFriendsResponse,
        (Route("GET", "/api/v1/users/{user_id}/friends"),),
        is_repeatable=True,
        items="friends",
    )


class WalletService:
    GetBalance = Unary(
        "wallet.v1.WalletService/GetBalance",
        GetBalanceRequest,
        GetBalanceResponse,
        (Route("GET", "/api/v1/wallet/balance"),),
        is_repeatable=True,
    )
    ListTransactions = Paged(
        "wallet.v1.WalletService/ListTransactions",
        ListTransactionsRequest,
        ListTransactionsResponse,
        (Route("GET", "/api/v1/wallet/transactions"),),
        is_repeatable=True,
        items="transactions",
    )
    Charge = Unary(
        "wallet.v1.WalletService/Charge",
        ChargeRequest,
        ChargeResponse,
        (Route("POST", "/api/v1/wallet/charge", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    Transfer = Unary(
        "wallet.v1.WalletService/Transfer",
        TransferRequest,
        TransferResponse,
        (Route("POST", "/api/v1/wallet/transfer", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )

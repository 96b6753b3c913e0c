"""Messages, enums and RPCs of wallet.v2. Printed by `npm run gen`."""

from .._pool import enum, message
from ..rpc import Paged, Route, Stream, Unary

HttpBody = message("google.api.HttpBody")
Event = message("wallet.v2.Event")
TransferEvent = message("wallet.v2.TransferEvent")
SprinkleEvent = message("wallet.v2.SprinkleEvent")
HoldEvent = message("wallet.v2.HoldEvent")
GiftEvent = message("wallet.v2.GiftEvent")
PayoutEvent = message("wallet.v2.PayoutEvent")
WalletEvent = message("wallet.v2.WalletEvent")
LimitEvent = message("wallet.v2.LimitEvent")
KeyEvent = message("wallet.v2.KeyEvent")
WebhookEvent = message("wallet.v2.WebhookEvent")
ListEventsRequest = message("wallet.v2.ListEventsRequest")
ListEventsResponse = message("wallet.v2.ListEventsResponse")
StreamEventsRequest = message("wallet.v2.StreamEventsRequest")
Gift = message("wallet.v2.Gift")
CreateGiftRequest = message("wallet.v2.CreateGiftRequest")
CreateGiftResponse = message("wallet.v2.CreateGiftResponse")
AcceptGiftRequest = message("wallet.v2.AcceptGiftRequest")
AcceptGiftResponse = message("wallet.v2.AcceptGiftResponse")
DeclineGiftRequest = message("wallet.v2.DeclineGiftRequest")
DeclineGiftResponse = message("wallet.v2.DeclineGiftResponse")
CancelGiftRequest = message("wallet.v2.CancelGiftRequest")
CancelGiftResponse = message("wallet.v2.CancelGiftResponse")
GetGiftRequest = message("wallet.v2.GetGiftRequest")
GetGiftResponse = message("wallet.v2.GetGiftResponse")
ListGiftsRequest = message("wallet.v2.ListGiftsRequest")
ListGiftsResponse = message("wallet.v2.ListGiftsResponse")
Hold = message("wallet.v2.Hold")
CreateHoldRequest = message("wallet.v2.CreateHoldRequest")
CreateHoldResponse = message("wallet.v2.CreateHoldResponse")
CaptureHoldRequest = message("wallet.v2.CaptureHoldRequest")
CaptureHoldResponse = message("wallet.v2.CaptureHoldResponse")
VoidHoldRequest = message("wallet.v2.VoidHoldRequest")
VoidHoldResponse = message("wallet.v2.VoidHoldResponse")
GetHoldRequest = message("wallet.v2.GetHoldRequest")
GetHoldResponse = message("wallet.v2.GetHoldResponse")
ListHoldsRequest = message("wallet.v2.ListHoldsRequest")
ListHoldsResponse = message("wallet.v2.ListHoldsResponse")
Label = message("wallet.v2.Label")
Limit = message("wallet.v2.Limit")
Money = message("wallet.v2.Money")
Payout = message("wallet.v2.Payout")
PayoutLine = message("wallet.v2.PayoutLine")
PayoutFailure = message("wallet.v2.PayoutFailure")
CreatePayoutRequest = message("wallet.v2.CreatePayoutRequest")
CreatePayoutResponse = message("wallet.v2.CreatePayoutResponse")
AddPayoutLinesRequest = message("wallet.v2.AddPayoutLinesRequest")
AddPayoutLinesResponse = message("wallet.v2.AddPayoutLinesResponse")
StartPayoutRequest = message("wallet.v2.StartPayoutRequest")
StartPayoutResponse = message("wallet.v2.StartPayoutResponse")
GetPayoutRequest = message("wallet.v2.GetPayoutRequest")
GetPayoutResponse = message("wallet.v2.GetPayoutResponse")
WatchPayoutRequest = message("wallet.v2.WatchPayoutRequest")
WatchPayoutResponse = message("wallet.v2.WatchPayoutResponse")
ListPayoutFailuresRequest = message("wallet.v2.ListPayoutFailuresRequest")
ListPayoutFailuresResponse = message("wallet.v2.ListPayoutFailuresResponse")
CancelPayoutRequest = message("wallet.v2.CancelPayoutRequest")
CancelPayoutResponse = message("wallet.v2.CancelPayoutResponse")
GetReceiptRequest = message("wallet.v2.GetReceiptRequest")
GetReceiptResponse = message("wallet.v2.GetReceiptResponse")
Receipt = message("wallet.v2.Receipt")
ReceiptSide = message("wallet.v2.ReceiptSide")
GetCheckpointRequest = message("wallet.v2.GetCheckpointRequest")
GetCheckpointResponse = message("wallet.v2.GetCheckpointResponse")
GetConsistencyProofRequest = message("wallet.v2.GetConsistencyProofRequest")
GetConsistencyProofResponse = message("wallet.v2.GetConsistencyProofResponse")
Room = message("wallet.v2.Room")
Member = message("wallet.v2.Member")
CreateRoomRequest = message("wallet.v2.CreateRoomRequest")
CreateRoomResponse = message("wallet.v2.CreateRoomResponse")
GetRoomRequest = message("wallet.v2.GetRoomRequest")
GetRoomResponse = message("wallet.v2.GetRoomResponse")
UpdateRoomRequest = message("wallet.v2.UpdateRoomRequest")
UpdateRoomResponse = message("wallet.v2.UpdateRoomResponse")
ListMembersRequest = message("wallet.v2.ListMembersRequest")
ListMembersResponse = message("wallet.v2.ListMembersResponse")
AddMemberRequest = message("wallet.v2.AddMemberRequest")
AddMemberResponse = message("wallet.v2.AddMemberResponse")
RemoveMemberRequest = message("wallet.v2.RemoveMemberRequest")
RemoveMemberResponse = message("wallet.v2.RemoveMemberResponse")
Sprinkle = message("wallet.v2.Sprinkle")
Claim = message("wallet.v2.Claim")
CreateSprinkleRequest = message("wallet.v2.CreateSprinkleRequest")
CreateSprinkleResponse = message("wallet.v2.CreateSprinkleResponse")
ClaimSprinkleRequest = message("wallet.v2.ClaimSprinkleRequest")
ClaimSprinkleResponse = message("wallet.v2.ClaimSprinkleResponse")
GetSprinkleRequest = message("wallet.v2.GetSprinkleRequest")
GetSprinkleResponse = message("wallet.v2.GetSprinkleResponse")
CancelSprinkleRequest = message("wallet.v2.CancelSprinkleRequest")
CancelSprinkleResponse = message("wallet.v2.CancelSprinkleResponse")
GetSprinkleProofRequest = message("wallet.v2.GetSprinkleProofRequest")
GetSprinkleProofResponse = message("wallet.v2.GetSprinkleProofResponse")
ProofClaim = message("wallet.v2.ProofClaim")
ListSprinklesRequest = message("wallet.v2.ListSprinklesRequest")
ListSprinklesResponse = message("wallet.v2.ListSprinklesResponse")
ListRoomSprinklesRequest = message("wallet.v2.ListRoomSprinklesRequest")
ListRoomSprinklesResponse = message("wallet.v2.ListRoomSprinklesResponse")
WatchSprinkleRequest = message("wallet.v2.WatchSprinkleRequest")
WatchSprinkleResponse = message("wallet.v2.WatchSprinkleResponse")
Transfer = message("wallet.v2.Transfer")
DepositRequest = message("wallet.v2.DepositRequest")
DepositResponse = message("wallet.v2.DepositResponse")
WithdrawRequest = message("wallet.v2.WithdrawRequest")
WithdrawResponse = message("wallet.v2.WithdrawResponse")
CreateTransferRequest = message("wallet.v2.CreateTransferRequest")
CreateTransferResponse = message("wallet.v2.CreateTransferResponse")
BatchCreateTransfersRequest = message("wallet.v2.BatchCreateTransfersRequest")
BatchCreateTransfersResponse = message("wallet.v2.BatchCreateTransfersResponse")
BatchTransferResult = message("wallet.v2.BatchTransferResult")
BatchTransferRefusal = message("wallet.v2.BatchTransferRefusal")
CheckTransferRequest = message("wallet.v2.CheckTransferRequest")
CheckTransferResponse = message("wallet.v2.CheckTransferResponse")
GetTransferRequest = message("wallet.v2.GetTransferRequest")
GetTransferResponse = message("wallet.v2.GetTransferResponse")
RefundTransferRequest = message("wallet.v2.RefundTransferRequest")
RefundTransferResponse = message("wallet.v2.RefundTransferResponse")
ListRefundsRequest = message("wallet.v2.ListRefundsRequest")
ListRefundsResponse = message("wallet.v2.ListRefundsResponse")
GetOutcomeRequest = message("wallet.v2.GetOutcomeRequest")
GetOutcomeResponse = message("wallet.v2.GetOutcomeResponse")
User = message("wallet.v2.User")
CreateUserRequest = message("wallet.v2.CreateUserRequest")
CreateUserResponse = message("wallet.v2.CreateUserResponse")
GetUserRequest = message("wallet.v2.GetUserRequest")
GetUserResponse = message("wallet.v2.GetUserResponse")
UpdateUserRequest = message("wallet.v2.UpdateUserRequest")
UpdateUserResponse = message("wallet.v2.UpdateUserResponse")
ListFriendsRequest = message("wallet.v2.ListFriendsRequest")
ListFriendsResponse = message("wallet.v2.ListFriendsResponse")
AddFriendRequest = message("wallet.v2.AddFriendRequest")
AddFriendResponse = message("wallet.v2.AddFriendResponse")
FriendRequest = message("wallet.v2.FriendRequest")
ListFriendRequestsRequest = message("wallet.v2.ListFriendRequestsRequest")
ListFriendRequestsResponse = message("wallet.v2.ListFriendRequestsResponse")
RemoveFriendRequest = message("wallet.v2.RemoveFriendRequest")
RemoveFriendResponse = message("wallet.v2.RemoveFriendResponse")
Wallet = message("wallet.v2.Wallet")
CreateWalletRequest = message("wallet.v2.CreateWalletRequest")
CreateWalletResponse = message("wallet.v2.CreateWalletResponse")
UpdateWalletRequest = message("wallet.v2.UpdateWalletRequest")
UpdateWalletResponse = message("wallet.v2.UpdateWalletResponse")
CloseWalletRequest = message("wallet.v2.CloseWalletRequest")
CloseWalletResponse = message("wallet.v2.CloseWalletResponse")
GetWalletRequest = message("wallet.v2.GetWalletRequest")
GetWalletResponse = message("wallet.v2.GetWalletResponse")
ListWalletsRequest = message("wallet.v2.ListWalletsRequest")
ListWalletsResponse = message("wallet.v2.ListWalletsResponse")
GetBalanceRequest = message("wallet.v2.GetBalanceRequest")
GetBalanceResponse = message("wallet.v2.GetBalanceResponse")
BatchGetBalancesRequest = message("wallet.v2.BatchGetBalancesRequest")
BatchGetBalancesResponse = message("wallet.v2.BatchGetBalancesResponse")
WalletBalance = message("wallet.v2.WalletBalance")
ListTransactionsRequest = message("wallet.v2.ListTransactionsRequest")
ListTransactionsResponse = message("wallet.v2.ListTransactionsResponse")
Transaction = message("wallet.v2.Transaction")
GetLimitsRequest = message("wallet.v2.GetLimitsRequest")
GetLimitsResponse = message("wallet.v2.GetLimitsResponse")
ExportStatementRequest = message("wallet.v2.ExportStatementRequest")
WatchWalletRequest = message("wallet.v2.WatchWalletRequest")
WatchWalletResponse = message("wallet.v2.WatchWalletResponse")
Gap = message("wallet.v2.Gap")
Heartbeat = message("wallet.v2.Heartbeat")
Webhook = message("wallet.v2.Webhook")
Delivery = message("wallet.v2.Delivery")
DeliveryAttempt = message("wallet.v2.DeliveryAttempt")
CreateWebhookRequest = message("wallet.v2.CreateWebhookRequest")
CreateWebhookResponse = message("wallet.v2.CreateWebhookResponse")
GetWebhookRequest = message("wallet.v2.GetWebhookRequest")
GetWebhookResponse = message("wallet.v2.GetWebhookResponse")
ListWebhooksRequest = message("wallet.v2.ListWebhooksRequest")
ListWebhooksResponse = message("wallet.v2.ListWebhooksResponse")
UpdateWebhookRequest = message("wallet.v2.UpdateWebhookRequest")
UpdateWebhookResponse = message("wallet.v2.UpdateWebhookResponse")
DeleteWebhookRequest = message("wallet.v2.DeleteWebhookRequest")
DeleteWebhookResponse = message("wallet.v2.DeleteWebhookResponse")
RotateWebhookSecretRequest = message("wallet.v2.RotateWebhookSecretRequest")
RotateWebhookSecretResponse = message("wallet.v2.RotateWebhookSecretResponse")
ListDeliveriesRequest = message("wallet.v2.ListDeliveriesRequest")
ListDeliveriesResponse = message("wallet.v2.ListDeliveriesResponse")
RedeliverEventsRequest = message("wallet.v2.RedeliverEventsRequest")
DeliveryIds = message("wallet.v2.DeliveryIds")
SequenceRange = message("wallet.v2.SequenceRange")
RedeliverEventsResponse = message("wallet.v2.RedeliverEventsResponse")
SendTestEventRequest = message("wallet.v2.SendTestEventRequest")
SendTestEventResponse = message("wallet.v2.SendTestEventResponse")
FreezeDirection = enum("wallet.v2.FreezeDirection")
FREEZE_DIRECTION_UNSPECIFIED = 0
FREEZE_DIRECTION_OUT = 1
FREEZE_DIRECTION_IN = 2
FREEZE_DIRECTION_BOTH = 3
GiftState = enum("wallet.v2.GiftState")
GIFT_STATE_UNSPECIFIED = 0
GIFT_STATE_OPEN = 1
GIFT_STATE_ACCEPTED = 2
GIFT_STATE_DECLINED = 3
GIFT_STATE_CANCELLED = 4
GIFT_STATE_EXPIRED = 5
GiftDirection = enum("wallet.v2.GiftDirection")
GIFT_DIRECTION_UNSPECIFIED = 0
GIFT_DIRECTION_SENT = 1
GIFT_DIRECTION_RECEIVED = 2
HoldState = enum("wallet.v2.HoldState")
HOLD_STATE_UNSPECIFIED = 0
HOLD_STATE_OPEN = 1
HOLD_STATE_CAPTURED = 2
HOLD_STATE_VOIDED = 3
HOLD_STATE_EXPIRED = 4
LimitKind = enum("wallet.v2.LimitKind")
LIMIT_KIND_UNSPECIFIED = 0
LIMIT_KIND_HELD = 1
LIMIT_KIND_CALL = 2
LIMIT_KIND_DAY_OUT = 3
LIMIT_KIND_DAY_IN = 4
LIMIT_KIND_MONTH_OUT = 5
LIMIT_KIND_MONTH_IN = 6
LIMIT_KIND_DAY_COUNT = 7
PayoutMode = enum("wallet.v2.PayoutMode")
PAYOUT_MODE_UNSPECIFIED = 0
PAYOUT_MODE_ALL_OR_NOTHING = 1
PAYOUT_MODE_EACH = 2
PayoutState = enum("wallet.v2.PayoutState")
PAYOUT_STATE_UNSPECIFIED = 0
PAYOUT_STATE_DRAFT = 1
PAYOUT_STATE_RUNNING = 2
PAYOUT_STATE_DONE = 3
PAYOUT_STATE_CANCELLED = 4
ReceiptParty = enum("wallet.v2.ReceiptParty")
RECEIPT_PARTY_UNSPECIFIED = 0
RECEIPT_PARTY_DEBIT = 1
RECEIPT_PARTY_CREDIT = 2
SprinkleMode = enum("wallet.v2.SprinkleMode")
SPRINKLE_MODE_UNSPECIFIED = 0
SPRINKLE_MODE_RANDOM = 1
SPRINKLE_MODE_EQUAL = 2
SprinkleState = enum("wallet.v2.SprinkleState")
SPRINKLE_STATE_UNSPECIFIED = 0
SPRINKLE_STATE_LIVE = 1
SPRINKLE_STATE_EMPTY = 2
SPRINKLE_STATE_EXPIRED = 3
SPRINKLE_STATE_CANCELLED = 4
TransferKind = enum("wallet.v2.TransferKind")
TRANSFER_KIND_UNSPECIFIED = 0
TRANSFER_KIND_DEPOSIT = 1
TRANSFER_KIND_WITHDRAWAL = 2
TRANSFER_KIND_TRANSFER = 3
TRANSFER_KIND_SPRINKLE = 4
TRANSFER_KIND_CLAIM = 5
TRANSFER_KIND_REFUND = 6
TRANSFER_KIND_PAYOUT = 7
TRANSFER_KIND_PAYOUT_LINE = 8
TRANSFER_KIND_HOLD = 9
TRANSFER_KIND_CAPTURE = 10
TRANSFER_KIND_VOID = 11
TRANSFER_KIND_GIFT = 12
TRANSFER_KIND_GIFT_ACCEPT = 13
TRANSFER_KIND_GIFT_RETURN = 14
TRANSFER_KIND_REVERSAL = 15
BatchMode = enum("wallet.v2.BatchMode")
BATCH_MODE_UNSPECIFIED = 0
BATCH_MODE_ALL_OR_NOTHING = 1
BATCH_MODE_EACH = 2
OutcomeState = enum("wallet.v2.OutcomeState")
OUTCOME_STATE_UNSPECIFIED = 0
OUTCOME_STATE_POSTED = 1
OUTCOME_STATE_NOT_POSTED = 2
OUTCOME_STATE_UNDECIDED = 3
FriendshipState = enum("wallet.v2.FriendshipState")
FRIENDSHIP_STATE_UNSPECIFIED = 0
FRIENDSHIP_STATE_REQUESTED = 1
FRIENDSHIP_STATE_FRIENDS = 2
FriendRequestDirection = enum("wallet.v2.FriendRequestDirection")
FRIEND_REQUEST_DIRECTION_UNSPECIFIED = 0
FRIEND_REQUEST_DIRECTION_INCOMING = 1
FRIEND_REQUEST_DIRECTION_OUTGOING = 2
WalletState = enum("wallet.v2.WalletState")
WALLET_STATE_UNSPECIFIED = 0
WALLET_STATE_OPEN = 1
WALLET_STATE_FROZEN_OUT = 2
WALLET_STATE_FROZEN_IN = 3
WALLET_STATE_FROZEN = 4
WALLET_STATE_CLOSED = 5
Direction = enum("wallet.v2.Direction")
DIRECTION_UNSPECIFIED = 0
DIRECTION_IN = 1
DIRECTION_OUT = 2
StatementFormat = enum("wallet.v2.StatementFormat")
STATEMENT_FORMAT_UNSPECIFIED = 0
STATEMENT_FORMAT_CSV = 1
STATEMENT_FORMAT_NDJSON = 2
WebhookState = enum("wallet.v2.WebhookState")
WEBHOOK_STATE_UNSPECIFIED = 0
WEBHOOK_STATE_ACTIVE = 1
WEBHOOK_STATE_PAUSED = 2
WebhookPauseReason = enum("wallet.v2.WebhookPauseReason")
WEBHOOK_PAUSE_REASON_UNSPECIFIED = 0
WEBHOOK_PAUSE_REASON_OWNER = 1
WEBHOOK_PAUSE_REASON_FAILING = 2
WEBHOOK_PAUSE_REASON_GONE = 3
DeliveryState = enum("wallet.v2.DeliveryState")
DELIVERY_STATE_UNSPECIFIED = 0
DELIVERY_STATE_PENDING = 1
DELIVERY_STATE_RETRYING = 2
DELIVERY_STATE_DELIVERED = 3
DELIVERY_STATE_EXPIRED = 4


class EventService:
    ListEvents = Unary(
        "wallet.v2.EventService/ListEvents",
        ListEventsRequest,
        ListEventsResponse,
        (Route("GET", "/api/v2/events"),),
        is_repeatable=True,
    )
    StreamEvents = Stream(
        "wallet.v2.EventService/StreamEvents",
        StreamEventsRequest,
        Event,
        (Route("GET", "/api/v2/events:stream"),),
        is_repeatable=True,
    )


class GiftService:
    CreateGift = Unary(
        "wallet.v2.GiftService/CreateGift",
        CreateGiftRequest,
        CreateGiftResponse,
        (Route("POST", "/api/v2/gifts", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    AcceptGift = Unary(
        "wallet.v2.GiftService/AcceptGift",
        AcceptGiftRequest,
        AcceptGiftResponse,
        (Route("POST", "/api/v2/gifts/{gift_id}:accept", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    DeclineGift = Unary(
        "wallet.v2.GiftService/DeclineGift",
        DeclineGiftRequest,
        DeclineGiftResponse,
        (Route("POST", "/api/v2/gifts/{gift_id}:decline", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    CancelGift = Unary(
        "wallet.v2.GiftService/CancelGift",
        CancelGiftRequest,
        CancelGiftResponse,
        (Route("POST", "/api/v2/gifts/{gift_id}:cancel", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    GetGift = Unary(
        "wallet.v2.GiftService/GetGift",
        GetGiftRequest,
        GetGiftResponse,
        (Route("GET", "/api/v2/gifts/{gift_id}"), Route("GET", "/api/v2/gifts:byReference"),),
        is_repeatable=True,
    )
    ListGifts = Paged(
        "wallet.v2.GiftService/ListGifts",
        ListGiftsRequest,
        ListGiftsResponse,
        (Route("GET", "/api/v2/gifts"),),
        is_repeatable=True,
        items="gifts",
    )


class HoldService:
    CreateHold = Unary(
        "wallet.v2.HoldService/CreateHold",
        CreateHoldRequest,
        CreateHoldResponse,
        (Route("POST", "/api/v2/holds", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    CaptureHold = Unary(
        "wallet.v2.HoldService/CaptureHold",
        CaptureHoldRequest,
        CaptureHoldResponse,
        (Route("POST", "/api/v2/holds/{hold_id}:capture", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    VoidHold = Unary(
        "wallet.v2.HoldService/VoidHold",
        VoidHoldRequest,
        VoidHoldResponse,
        (Route("POST", "/api/v2/holds/{hold_id}:void", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    GetHold = Unary(
        "wallet.v2.HoldService/GetHold",
        GetHoldRequest,
        GetHoldResponse,
        (Route("GET", "/api/v2/holds/{hold_id}"), Route("GET", "/api/v2/holds:byReference"),),
        is_repeatable=True,
    )
    ListHolds = Paged(
        "wallet.v2.HoldService/ListHolds",
        ListHoldsRequest,
        ListHoldsResponse,
        (Route("GET", "/api/v2/holds"),),
        is_repeatable=True,
        items="holds",
    )


class PayoutService:
    CreatePayout = Unary(
        "wallet.v2.PayoutService/CreatePayout",
        CreatePayoutRequest,
        CreatePayoutResponse,
        (Route("POST", "/api/v2/payouts", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    AddPayoutLines = Unary(
        "wallet.v2.PayoutService/AddPayoutLines",
        AddPayoutLinesRequest,
        AddPayoutLinesResponse,
        (Route("POST", "/api/v2/payouts/{payout_id}/lines", has_body=True),),
        is_repeatable=True,
    )
    StartPayout = Unary(
        "wallet.v2.PayoutService/StartPayout",
        StartPayoutRequest,
        StartPayoutResponse,
        (Route("POST", "/api/v2/payouts/{payout_id}:start", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    GetPayout = Unary(
        "wallet.v2.PayoutService/GetPayout",
        GetPayoutRequest,
        GetPayoutResponse,
        (Route("GET", "/api/v2/payouts/{payout_id}"), Route("GET", "/api/v2/payouts:byReference"),),
        is_repeatable=True,
    )
    WatchPayout = Stream(
        "wallet.v2.PayoutService/WatchPayout",
        WatchPayoutRequest,
        WatchPayoutResponse,
        (Route("GET", "/api/v2/payouts/{payout_id}/watch"),),
        is_repeatable=True,
    )
    ListPayoutFailures = Paged(
        "wallet.v2.PayoutService/ListPayoutFailures",
        ListPayoutFailuresRequest,
        ListPayoutFailuresResponse,
        (Route("GET", "/api/v2/payouts/{payout_id}/failures"),),
        is_repeatable=True,
        items="failures",
    )
    CancelPayout = Unary(
        "wallet.v2.PayoutService/CancelPayout",
        CancelPayoutRequest,
        CancelPayoutResponse,
        (Route("POST", "/api/v2/payouts/{payout_id}:cancel", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )


class ReceiptService:
    GetReceipt = Unary(
        "wallet.v2.ReceiptService/GetReceipt",
        GetReceiptRequest,
        GetReceiptResponse,
        (Route("GET", "/api/v2/transfers/{transfer_id}/receipt"),),
        is_repeatable=True,
    )
    GetCheckpoint = Unary(
        "wallet.v2.ReceiptService/GetCheckpoint",
        GetCheckpointRequest,
        GetCheckpointResponse,
        (Route("GET", "/api/v2/log/checkpoint"),),
        is_repeatable=True,
    )
    GetConsistencyProof = Unary(
        "wallet.v2.ReceiptService/GetConsistencyProof",
        GetConsistencyProofRequest,
        GetConsistencyProofResponse,
        (Route("GET", "/api/v2/log/consistency"),),
        is_repeatable=True,
    )


class RoomService:
    CreateRoom = Unary(
        "wallet.v2.RoomService/CreateRoom",
        CreateRoomRequest,
        CreateRoomResponse,
        (Route("POST", "/api/v2/rooms", has_body=True),),
        is_repeatable=True,
    )
    GetRoom = Unary(
        "wallet.v2.RoomService/GetRoom",
        GetRoomRequest,
        GetRoomResponse,
        (Route("GET", "/api/v2/rooms/{room_id}"),),
        is_repeatable=True,
    )
    UpdateRoom = Unary(
        "wallet.v2.RoomService/UpdateRoom",
        UpdateRoomRequest,
        UpdateRoomResponse,
        (Route("PATCH", "/api/v2/rooms/{room_id}", has_body=True),),
        is_repeatable=True,
    )
    ListMembers = Paged(
        "wallet.v2.RoomService/ListMembers",
        ListMembersRequest,
        ListMembersResponse,
        (Route("GET", "/api/v2/rooms/{room_id}/members"),),
        is_repeatable=True,
        items="members",
    )
    AddMember = Unary(
        "wallet.v2.RoomService/AddMember",
        AddMemberRequest,
        AddMemberResponse,
        (Route("POST", "/api/v2/rooms/{room_id}/members", has_body=True),),
        is_repeatable=True,
    )
    RemoveMember = Unary(
        "wallet.v2.RoomService/RemoveMember",
        RemoveMemberRequest,
        RemoveMemberResponse,
        (Route("DELETE", "/api/v2/rooms/{room_id}/members/{user_id}"),),
        is_repeatable=True,
    )


class SprinkleService:
    CreateSprinkle = Unary(
        "wallet.v2.SprinkleService/CreateSprinkle",
        CreateSprinkleRequest,
        CreateSprinkleResponse,
        (Route("POST", "/api/v2/rooms/{room_id}/sprinkles", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    ClaimSprinkle = Unary(
        "wallet.v2.SprinkleService/ClaimSprinkle",
        ClaimSprinkleRequest,
        ClaimSprinkleResponse,
        (Route("POST", "/api/v2/rooms/{room_id}/sprinkles/{token}:claim", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    CancelSprinkle = Unary(
        "wallet.v2.SprinkleService/CancelSprinkle",
        CancelSprinkleRequest,
        CancelSprinkleResponse,
        (Route("POST", "/api/v2/rooms/{room_id}/sprinkles/{sprinkle_id}:cancel", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    GetSprinkle = Unary(
        "wallet.v2.SprinkleService/GetSprinkle",
        GetSprinkleRequest,
        GetSprinkleResponse,
        (Route("GET", "/api/v2/rooms/{room_id}/sprinkles/{sprinkle_id}"),),
        is_repeatable=True,
    )
    GetSprinkleProof = Unary(
        "wallet.v2.SprinkleService/GetSprinkleProof",
        GetSprinkleProofRequest,
        GetSprinkleProofResponse,
        (Route("GET", "/api/v2/rooms/{room_id}/sprinkles/{sprinkle_id}/proof"),),
        is_repeatable=True,
    )
    ListSprinkles = Paged(
        "wallet.v2.SprinkleService/ListSprinkles",
        ListSprinklesRequest,
        ListSprinklesResponse,
        (Route("GET", "/api/v2/rooms/{room_id}/sprinkles"),),
        is_repeatable=True,
        items="sprinkles",
    )
    ListRoomSprinkles = Paged(
        "wallet.v2.SprinkleService/ListRoomSprinkles",
        ListRoomSprinklesRequest,
        ListRoomSprinklesResponse,
        (Route("GET", "/api/v2/rooms/{room_id}/sprinkles:all"),),
        is_repeatable=True,
        items="sprinkles",
    )
    WatchSprinkle = Stream(
        "wallet.v2.SprinkleService/WatchSprinkle",
        WatchSprinkleRequest,
        WatchSprinkleResponse,
        (Route("GET", "/api/v2/rooms/{room_id}/sprinkles/{sprinkle_id}:watch"),),
        is_repeatable=True,
    )


class TransferService:
    Deposit = Unary(
        "wallet.v2.TransferService/Deposit",
        DepositRequest,
        DepositResponse,
        (Route("POST", "/api/v2/transfers:deposit", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    Withdraw = Unary(
        "wallet.v2.TransferService/Withdraw",
        WithdrawRequest,
        WithdrawResponse,
        (Route("POST", "/api/v2/transfers:withdraw", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    CreateTransfer = Unary(
        "wallet.v2.TransferService/CreateTransfer",
        CreateTransferRequest,
        CreateTransferResponse,
        (Route("POST", "/api/v2/transfers", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    CheckTransfer = Unary(
        "wallet.v2.TransferService/CheckTransfer",
        CheckTransferRequest,
        CheckTransferResponse,
        (Route("POST", "/api/v2/transfers:check", has_body=True),),
        is_repeatable=True,
    )
    BatchCreateTransfers = Unary(
        "wallet.v2.TransferService/BatchCreateTransfers",
        BatchCreateTransfersRequest,
        BatchCreateTransfersResponse,
        (Route("POST", "/api/v2/transfers:batchCreate", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    GetTransfer = Unary(
        "wallet.v2.TransferService/GetTransfer",
        GetTransferRequest,
        GetTransferResponse,
        (Route("GET", "/api/v2/transfers/{transfer_id}"), Route("GET", "/api/v2/transfers:byReference"),),
        is_repeatable=True,
    )
    RefundTransfer = Unary(
        "wallet.v2.TransferService/RefundTransfer",
        RefundTransferRequest,
        RefundTransferResponse,
        (Route("POST", "/api/v2/transfers/{transfer_id}:refund", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    ListRefunds = Paged(
        "wallet.v2.TransferService/ListRefunds",
        ListRefundsRequest,
        ListRefundsResponse,
        (Route("GET", "/api/v2/transfers/{transfer_id}/refunds"),),
        is_repeatable=True,
        items="refunds",
    )
    GetOutcome = Unary(
        "wallet.v2.TransferService/GetOutcome",
        GetOutcomeRequest,
        GetOutcomeResponse,
        (Route("GET", "/api/v2/outcomes/{idempotency_key}"), Route("GET", "/api/v2/outcomes"),),
        is_repeatable=True,
    )


class UserService:
    CreateUser = Unary(
        "wallet.v2.UserService/CreateUser",
        CreateUserRequest,
        CreateUserResponse,
        (Route("POST", "/api/v2/users", has_body=True),),
        is_repeatable=True,
    )
    GetUser = Unary(
        "wallet.v2.UserService/GetUser",
        GetUserRequest,
        GetUserResponse,
        (Route("GET", "/api/v2/users/{user_id}"),),
        is_repeatable=True,
    )
    UpdateUser = Unary(
        "wallet.v2.UserService/UpdateUser",
        UpdateUserRequest,
        UpdateUserResponse,
        (Route("PATCH", "/api/v2/users/{user_id}", has_body=True),),
        is_repeatable=True,
    )
    ListFriends = Paged(
        "wallet.v2.UserService/ListFriends",
        ListFriendsRequest,
        ListFriendsResponse,
        (Route("GET", "/api/v2/users/{user_id}/friends"),),
        is_repeatable=True,
        items="friends",
    )
    AddFriend = Unary(
        "wallet.v2.UserService/AddFriend",
        AddFriendRequest,
        AddFriendResponse,
        (Route("POST", "/api/v2/users/{user_id}/friends", has_body=True),),
        is_repeatable=True,
    )
    ListFriendRequests = Paged(
        "wallet.v2.UserService/ListFriendRequests",
        ListFriendRequestsRequest,
        ListFriendRequestsResponse,
        (Route("GET", "/api/v2/users/{user_id}/friend-requests"),),
        is_repeatable=True,
        items="friend_requests",
    )
    RemoveFriend = Unary(
        "wallet.v2.UserService/RemoveFriend",
        RemoveFriendRequest,
        RemoveFriendResponse,
        (Route("DELETE", "/api/v2/users/{user_id}/friends/{friend_user_id}"),),
        is_repeatable=True,
    )


class WalletService:
    CreateWallet = Unary(
        "wallet.v2.WalletService/CreateWallet",
        CreateWalletRequest,
        CreateWalletResponse,
        (Route("POST", "/api/v2/wallets", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    GetWallet = Unary(
        "wallet.v2.WalletService/GetWallet",
        GetWalletRequest,
        GetWalletResponse,
        (Route("GET", "/api/v2/wallets/{wallet_id}"), Route("GET", "/api/v2/wallets:byReference"),),
        is_repeatable=True,
    )
    ListWallets = Paged(
        "wallet.v2.WalletService/ListWallets",
        ListWalletsRequest,
        ListWalletsResponse,
        (Route("GET", "/api/v2/wallets"),),
        is_repeatable=True,
        items="wallets",
    )
    UpdateWallet = Unary(
        "wallet.v2.WalletService/UpdateWallet",
        UpdateWalletRequest,
        UpdateWalletResponse,
        (Route("PATCH", "/api/v2/wallets/{wallet_id}", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    CloseWallet = Unary(
        "wallet.v2.WalletService/CloseWallet",
        CloseWalletRequest,
        CloseWalletResponse,
        (Route("POST", "/api/v2/wallets/{wallet_id}:close", has_body=True),),
        takes_key=True,
        is_repeatable=True,
    )
    GetBalance = Unary(
        "wallet.v2.WalletService/GetBalance",
        GetBalanceRequest,
        GetBalanceResponse,
        (Route("GET", "/api/v2/wallets/{wallet_id}/balance"),),
        is_repeatable=True,
    )
    BatchGetBalances = Unary(
        "wallet.v2.WalletService/BatchGetBalances",
        BatchGetBalancesRequest,
        BatchGetBalancesResponse,
        (Route("GET", "/api/v2/wallets:batchGetBalances"), Route("POST", "/api/v2/wallets:batchGetBalances", has_body=True),),
        is_repeatable=True,
    )
    GetLimits = Unary(
        "wallet.v2.WalletService/GetLimits",
        GetLimitsRequest,
        GetLimitsResponse,
        (Route("GET", "/api/v2/limits"),),
        is_repeatable=True,
    )
    ListTransactions = Paged(
        "wallet.v2.WalletService/ListTransactions",
        ListTransactionsRequest,
        ListTransactionsResponse,
        (Route("GET", "/api/v2/wallets/{wallet_id}/transactions"),),
        is_repeatable=True,
        items="transactions",
    )
    ExportStatement = Stream(
        "wallet.v2.WalletService/ExportStatement",
        ExportStatementRequest,
        HttpBody,
        (Route("GET", "/api/v2/wallets/{wallet_id}:statement"),),
        is_repeatable=True,
    )
    WatchWallet = Stream(
        "wallet.v2.WalletService/WatchWallet",
        WatchWalletRequest,
        WatchWalletResponse,
        (Route("GET", "/api/v2/wallets/{wallet_id}:watch"),),
        is_repeatable=True,
    )


class WebhookService:
    CreateWebhook = Unary(
        "wallet.v2.WebhookService/CreateWebhook",
        CreateWebhookRequest,
        CreateWebhookResponse,
        (Route("POST", "/api/v2/webhooks", has_body=True),),
    )
    GetWebhook = Unary(
        "wallet.v2.WebhookService/GetWebhook",
        GetWebhookRequest,
        GetWebhookResponse,
        (Route("GET", "/api/v2/webhooks/{webhook_id}"),),
        is_repeatable=True,
    )
    ListWebhooks = Unary(
        "wallet.v2.WebhookService/ListWebhooks",
        ListWebhooksRequest,
        ListWebhooksResponse,
        (Route("GET", "/api/v2/webhooks"),),
        is_repeatable=True,
    )
    UpdateWebhook = Unary(
        "wallet.v2.WebhookService/UpdateWebhook",
        UpdateWebhookRequest,
        UpdateWebhookResponse,
        (Route("PATCH", "/api/v2/webhooks/{webhook_id}", has_body=True),),
        is_repeatable=True,
    )
    DeleteWebhook = Unary(
        "wallet.v2.WebhookService/DeleteWebhook",
        DeleteWebhookRequest,
        DeleteWebhookResponse,
        (Route("DELETE", "/api/v2/webhooks/{webhook_id}"),),
    )
    RotateWebhookSecret = Unary(
        "wallet.v2.WebhookService/RotateWebhookSecret",
        RotateWebhookSecretRequest,
        RotateWebhookSecretResponse,
        (Route("POST", "/api/v2/webhooks/{webhook_id}:rotateSecret", has_body=True),),
    )
    ListDeliveries = Paged(
        "wallet.v2.WebhookService/ListDeliveries",
        ListDeliveriesRequest,
        ListDeliveriesResponse,
        (Route("GET", "/api/v2/webhooks/{webhook_id}/deliveries"),),
        is_repeatable=True,
        items="deliveries",
    )
    RedeliverEvents = Unary(
        "wallet.v2.WebhookService/RedeliverEvents",
        RedeliverEventsRequest,
        RedeliverEventsResponse,
        (Route("POST", "/api/v2/webhooks/{webhook_id}:redeliver", has_body=True),),
    )
    SendTestEvent = Unary(
        "wallet.v2.WebhookService/SendTestEvent",
        SendTestEventRequest,
        SendTestEventResponse,
        (Route("POST", "/api/v2/webhooks/{webhook_id}:test", has_body=True),),
    )

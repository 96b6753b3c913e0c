// The table of services. Everything else that lists services or RPCs derives from the contracts; a test compares the two.
import { AccountServiceService } from '../../gen/ts/admin/v1/account_service.ts';
import { ApiKeyServiceService } from '../../gen/ts/admin/v1/api_key_service.ts';
import { AuditServiceService } from '../../gen/ts/admin/v1/audit_service.ts';
import { JobServiceService } from '../../gen/ts/admin/v1/job_service.ts';
import { LimitServiceService } from '../../gen/ts/admin/v1/limit_service.ts';
import { RecoveryServiceService } from '../../gen/ts/admin/v1/recovery_service.ts';
import { StatisticsServiceService } from '../../gen/ts/admin/v1/statistics_service.ts';
import { WebhookServiceService as AdminWebhooks } from '../../gen/ts/admin/v1/webhook_service.ts';
import { RoomServiceService as RoomV1 } from '../../gen/ts/wallet/v1/room_service.ts';
import { SprinkleServiceService as SprinkleV1 } from '../../gen/ts/wallet/v1/sprinkle_service.ts';
import { UserServiceService as UserV1 } from '../../gen/ts/wallet/v1/user_service.ts';
import { WalletServiceService as WalletV1 } from '../../gen/ts/wallet/v1/wallet_service.ts';
import { EventServiceService as EventV2 } from '../../gen/ts/wallet/v2/event_service.ts';
import { GiftServiceService as GiftV2 } from '../../gen/ts/wallet/v2/gift_service.ts';
import { HoldServiceService as HoldV2 } from '../../gen/ts/wallet/v2/hold_service.ts';
import { PayoutServiceService as PayoutV2 } from '../../gen/ts/wallet/v2/payout_service.ts';
import { ReceiptServiceService as ReceiptV2 } from '../../gen/ts/wallet/v2/receipt_service.ts';
import { RoomServiceService as RoomV2 } from '../../gen/ts/wallet/v2/room_service.ts';
import { SprinkleServiceService as SprinkleV2 } from '../../gen/ts/wallet/v2/sprinkle_service.ts';
import { TransferServiceService as TransferV2 } from '../../gen/ts/wallet/v2/transfer_service.ts';
import { UserServiceService as UserV2 } from '../../gen/ts/wallet/v2/user_service.ts';
import { WalletServiceService as WalletV2 } from '../../gen/ts/wallet/v2/wallet_service.ts';
import { WebhookServiceService as WebhookV2 } from '../../gen/ts/wallet/v2/webhook_service.ts';
import type { AuditTrail } from '../domain/act.ts';
import type { AdminCore, Core } from '../usecases/index.ts';
import * as admin from './admin/index.ts';
import { answerRestorer, type RestoreAnswer } from './command-handler.ts';
import type { Handlers, Service } from './handlers.ts';
import * as v1 from './v1/index.ts';
import * as v2 from './v2/index.ts';

/** A generated service, and its handlers. */
export interface ServiceEntry {
  readonly definition: Service;
  readonly handlers: Handlers<Service>;
}

/** The services of the public edge. */
export function publicServices(core: Core): readonly ServiceEntry[] {
  // GetOutcome restores the answers of all services, so its handler needs the table that it is part of.
  const restoreAnswer: RestoreAnswer = (rpc, outcome, userId) => restore(rpc, outcome, userId);
  const services = [
    entry(WalletV1, v1.walletService(core)),
    entry(SprinkleV1, v1.sprinkleService(core)),
    entry(UserV1, v1.userService(core)),
    entry(RoomV1, v1.roomService(core)),
    entry(WalletV2, v2.walletService(core)),
    entry(TransferV2, v2.transferService(core, restoreAnswer)),
    entry(SprinkleV2, v2.sprinkleService(core)),
    entry(HoldV2, v2.holdService(core)),
    entry(GiftV2, v2.giftService(core)),
    entry(PayoutV2, v2.payoutService(core)),
    entry(ReceiptV2, v2.receiptService(core)),
    entry(EventV2, v2.eventService(core)),
    entry(UserV2, v2.userService(core)),
    entry(RoomV2, v2.roomService(core)),
    entry(WebhookV2, v2.webhookService(core)),
  ];
  const restore = answerRestorer(services);
  return services;
}

/** The services of admin.v1. Every call of these is on the audit trail. */
export function adminServices(core: AdminCore, trail: AuditTrail): readonly ServiceEntry[] {
  return [
    entry(AccountServiceService, admin.accountService(core, trail)),
    entry(ApiKeyServiceService, admin.apiKeyService(core, trail)),
    entry(JobServiceService, admin.jobService(core, trail)),
    entry(StatisticsServiceService, admin.statisticsService(core, trail)),
    entry(AuditServiceService, admin.auditService(core, trail)),
    entry(RecoveryServiceService, admin.recoveryService(core, trail)),
    entry(LimitServiceService, admin.limitService(core, trail)),
    entry(AdminWebhooks, admin.webhookService(core, trail)),
  ];
}

function entry<S extends Service>(definition: S, handlers: Handlers<S>): ServiceEntry {
  // A row of the table knows its types; the table as a whole cannot express them.
  return { definition, handlers: handlers as unknown as Handlers<Service> };
}

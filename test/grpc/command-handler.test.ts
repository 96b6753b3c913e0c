// Handlers with an idempotency key: their responses can be made again from stored outcomes, under the contract's type.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TransferServiceService } from '../../gen/ts/wallet/v2/transfer_service.ts';
import { answerRestorer, command } from '../../src/grpc/command-handler.ts';
import { CONTRACTS } from '../../src/grpc/contracts.ts';
import { publicServices, type ServiceEntry } from '../../src/grpc/services.ts';
import type { Core } from '../../src/usecases/index.ts';

const [transfers] = publicServices({} as Core).filter(
  ({ definition }) => definition === TransferServiceService,
);

const withHandler = (name: string, handler: unknown) =>
  ({ ...transfers?.handlers, [name]: handler }) as ServiceEntry['handlers'];

test('a response is made the same way from a fresh outcome and from a stored one', async () => {
  const handler = command({
    execute: async (text: string) => text.length,
    toResponse: (length: number, userId: bigint) => `${length} of ${userId}`,
  });
  const caller = { userId: 7n } as Parameters<typeof handler>[1];
  assert.equal(await handler('four', caller), '4 of 7');
  assert.equal(await handler.restore(4, 7n), '4 of 7');
});

test('an RPC with an idempotency key that is no command, and one without that is one, stop the server at its start', () => {
  assert.ok(transfers);
  const { definition } = transfers;
  const plain = async () => ({});
  assert.throws(
    () => answerRestorer([{ definition, handlers: withHandler('deposit', plain) }]),
    /TransferService\/Deposit/,
  );
  const wrong = command({ execute: plain, toResponse: () => ({}) });
  assert.throws(
    () => answerRestorer([{ definition, handlers: withHandler('getTransfer', wrong) }]),
    /TransferService\/GetTransfer/,
  );
});

test('a stored answer has the type of the response of its contract', async () => {
  assert.ok(transfers);
  const { definition } = transfers;
  const deposit = command({ execute: async () => ({}), toResponse: () => ({}) });
  const restore = answerRestorer([{ definition, handlers: withHandler('deposit', deposit) }]);
  const answer = await restore('wallet.v2.TransferService/Deposit', {}, 1n);
  assert.equal(answer?.typeUrl, 'type.googleapis.com/wallet.v2.DepositResponse');
  assert.equal(await restore('wallet.v2.TransferService/Gone', {}, 1n), undefined);
  assert.equal(
    CONTRACTS.get('/wallet.v2.TransferService/Deposit')?.responseType,
    'wallet.v2.DepositResponse',
  );
});

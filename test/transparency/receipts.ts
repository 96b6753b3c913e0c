// Makes receipts of logs that are in memory only, for tests of those who check them.
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import {
  appendToTiles,
  checkpointText,
  hashLeaf,
  hashOfTiles,
  inclusionProof,
  leafText,
  partyHash,
  signNote,
  treeRoot,
  verifierText,
} from '../../src/transparency/index.ts';

/** The name of these logs. */
export const NAME = 'log.example/ppuri';
const DEBIT = { userId: 1001n, accountId: '01939f7e-7c57-7c3c-9d5e-0123456789ab' };
const CREDIT = { userId: 1002n, accountId: '01939f7e-7c57-7c3c-9d5e-ba9876543210' };

/** The receipt of the payer of a leaf, as GetReceipt answers it over REST, and the public key of the log. */
export function makeReceipt({ leaf, size }: { readonly leaf: number; readonly size: number }) {
  const keys = generateKeyPairSync('ed25519');
  const [debitSalt, creditSalt] = [randomBytes(16), randomBytes(16)];
  const texts = Array.from({ length: size }, (_, index) =>
    leafText({
      leaf: index,
      transferId: `01939f7e-7c57-7c3c-8d5e-${String(index).padStart(12, '0')}`,
      kind: 'transfer',
      currency: 'KRW',
      amount: 5000n,
      createdAt: 1_795_000_000_123_456 + index,
      debit: partyHash(debitSalt, DEBIT),
      credit: partyHash(creditSalt, CREDIT),
    }),
  );
  const hashOf = hashOfTiles(appendToTiles(0, [], texts.map(hashLeaf)));
  return {
    verifier: verifierText(NAME, keys.publicKey),
    receipt: {
      leaf: texts[leaf] ?? '',
      leaf_index: String(leaf),
      sides: [
        {
          party: 'RECEIPT_PARTY_DEBIT',
          user_id: DEBIT.userId.toString(),
          wallet_id: DEBIT.accountId,
          salt: debitSalt.toString('base64'),
        },
      ],
      inclusion_proof: inclusionProof(leaf, size).map((part) => Buffer.from(hashOf(part)).toString('base64')),
      checkpoint: signed(size, hashOf(treeRoot(size)), keys.privateKey),
    },
  };
}

function signed(size: number, root: Uint8Array, privateKey: KeyObject): string {
  return signNote(checkpointText({ origin: NAME, size, root }), [{ name: NAME, privateKey }]);
}

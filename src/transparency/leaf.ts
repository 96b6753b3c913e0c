// A leaf of the transparency log: the text that stands for a sealed transfer. docs/receipts.md has the format for others to read.
import { hash } from 'node:crypto';

/** The bytes of a salt: 128 random bits, so that nobody finds ids by trying them. */
export const SALT_BYTES = 16;

/** One side of a transfer. */
export interface PartyOfLeaf {
  /** Undefined where the account is no wallet: money from outside, or set aside. */
  readonly userId: bigint | undefined;
  readonly accountId: string;
}

/** What a leaf says of a transfer. */
export interface LeafFields {
  /** Its place in the log: 0, 1, 2… */
  readonly leaf: number;
  readonly transferId: string;
  readonly kind: string;
  readonly currency: string;
  /** In the smallest unit of the currency. */
  readonly amount: bigint;
  /** When it was posted, in microseconds since 1970. */
  readonly createdAt: number;
  /** partyHash() of the side that paid, and of the one that was paid, in hexadecimal. */
  readonly debit: string;
  readonly credit: string;
}

const FORMAT = new RegExp(
  [
    'ppuri\\.transfer/v1',
    'leaf (0|[1-9]\\d{0,14})',
    'transfer ([\\da-f]{8}(?:-[\\da-f]{4}){3}-[\\da-f]{12})',
    'kind ([a-z_]{1,32})',
    'currency ([A-Z]{3})',
    'amount ([1-9]\\d{0,18})',
    'time (0|-?[1-9]\\d{0,15})',
    'debit ([\\da-f]{64})',
    'credit ([\\da-f]{64})',
    '$',
  ].join('\n'),
  'y',
);

/** The text of a leaf; its UTF-8 bytes are what the tree hashes. */
export function leafText(fields: LeafFields): string {
  const { leaf, transferId, kind, currency, amount, createdAt, debit, credit } = fields;
  return `ppuri.transfer/v1\nleaf ${leaf}\ntransfer ${transferId}\nkind ${kind}\ncurrency ${currency}\namount ${amount}\ntime ${createdAt}\ndebit ${debit}\ncredit ${credit}\n`;
}

/** The fields of a leaf; undefined for a text that leafText() does not print. */
export function parseLeaf(text: string): LeafFields | undefined {
  FORMAT.lastIndex = 0;
  const match = FORMAT.exec(text);
  if (!match) return undefined;
  const [, leaf, transferId = '', kind = '', currency = '', amount = '', time, debit = '', credit = ''] =
    match;
  return {
    leaf: Number(leaf),
    ...{ transferId, kind, currency, debit, credit },
    amount: BigInt(amount),
    createdAt: Number(time),
  };
}

/**
 * The hash of a side, in hexadecimal: it says nothing about the side to those who don't have the salt.
 * @param salt Its bytes, or the same in hexadecimal.
 */
export function partyHash(salt: Uint8Array | string, { userId, accountId }: PartyOfLeaf): string {
  const digits =
    typeof salt === 'string'
      ? salt
      : Buffer.from(salt.buffer, salt.byteOffset, salt.byteLength).toString('hex');
  return hash('sha256', `${digits} ${userId ?? ''} ${accountId}`, 'hex');
}

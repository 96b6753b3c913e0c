// Who is a member of the rooms of a batch.

declare module './ledger-batch.ts' {
  interface ReadSet {
    /** Which of these users are members of this room. */
    readonly members?: { readonly roomId: string; readonly userIds: readonly bigint[] };
  }
  interface LedgerBatch {
    readonly rooms: Rooms;
  }
}

/** Names a membership. */
export function memberKey(roomId: string, userId: bigint): string {
  return `${roomId}/${userId}`;
}

/** The memberships that a batch has read. */
export class Rooms {
  readonly #members: ReadonlySet<string>;

  /** Members, each as memberKey() writes it. */
  constructor(members: ReadonlySet<string>) {
    this.#members = members;
  }

  isMember(roomId: string, userId: bigint): boolean {
    return this.#members.has(memberKey(roomId, userId));
  }
}

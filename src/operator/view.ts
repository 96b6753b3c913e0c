// What views are made from and of: who is signed in, what may be read, and the page that comes of it.
import type { ApiKey } from '../domain/api-key.ts';
import type { AdminCore, Core } from '../usecases/index.ts';
import type { Html } from './html.ts';

/** The form of a UUID, as a part of a regular expression. */
export const UUID = '[\\da-f]{8}(?:-[\\da-f]{4}){3}-[\\da-f]{12}';

/** Something that a process depends on, or the process itself. */
export interface Dependency {
  readonly name: string;
  readonly state: string;
  readonly isWell: boolean;
}

/** What the page shows of the process that serves it. */
export interface ProcessState {
  dependencies(): readonly Dependency[];
  /** Limits of this server, by their variables. */
  readonly limits: readonly { readonly name: string; readonly value: string }[];
}

/** What may be seen and done. */
export interface Operator {
  readonly key: ApiKey;
  /** Everything of admin.v1. */
  readonly isAdmin: boolean;
  /** Money and people, of every user. */
  readonly mayRead: boolean;
}

/** What a view is made from. */
export interface ViewContext {
  readonly core: Core;
  readonly admin: AdminCore;
  readonly state: ProcessState;
  readonly operator: Operator;
  /** The id in the path; empty where there is none. */
  readonly id: string;
  readonly query: URLSearchParams;
  /** What each form brings along. */
  readonly formToken: string;
}

/** A page, or the path of one to go to. */
export type View =
  | { readonly title: string; readonly body: Html; readonly status?: number }
  | { readonly redirect: string };

/** The scope that a view requires; `any` has every operator. */
export type Required = 'admin' | 'read' | 'any';

/** One kind of page. */
export interface ViewEntry {
  /** As in `operator-page/wallet`, on the audit trail. */
  readonly name: string;
  /** Matches the path behind `/operator`; its first group is the id. */
  readonly path: RegExp;
  readonly requires: Required;
  /** The target on the audit trail, where that is not the id in the path. */
  target?(query: URLSearchParams): string;
  make(context: ViewContext): Promise<View>;
}

/** Whether an operator may see what requires this. */
export function may({ isAdmin, mayRead }: Operator, required: Required): boolean {
  return required === 'any' || (required === 'admin' ? isAdmin : mayRead);
}

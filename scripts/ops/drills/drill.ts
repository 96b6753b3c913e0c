// What every drill reports, and how: throw-away nodes, traffic, damage, the way back, and a verdict.

/** What can happen to the primary in the failover drill. */
export const DAMAGE_NAMES = ['postmaster', 'node', 'frozen', 'network', 'disk'] as const;

/** A kind of damage. */
export type Damage = (typeof DAMAGE_NAMES)[number];

/** How to run a drill. */
export interface DrillOptions {
  /** The same seed gives the same traffic and the same damage. */
  readonly seed: number;
  /** Of the failover drill; chosen by the seed when it is left out. */
  readonly damage?: Damage | undefined;
  /** Holds everything that the drill makes; the caller makes and removes it. */
  readonly folder: string;
  /** Gets a line when a step begins. */
  readonly log: (line: string) => void;
}

/** A step and how long it took. */
export interface DrillStep {
  readonly name: string;
  readonly seconds: number;
}

/** What came of a drill. */
export interface DrillReport {
  readonly drill: string;
  readonly seed: number;
  /** Of the failover drill. */
  readonly damage?: Damage;
  /** From the damage to the first payment that was accepted again. */
  readonly rtoSeconds: number;
  /** How long that may take; where it is left out, every damage of the drill has the same limit. */
  readonly rtoLimitSeconds?: number;
  /** Of the failover drill: the longest time that one of the callers waited between two payments. */
  readonly slowestCallerSeconds?: number;
  /** How much time of answered payments was lost. */
  readonly rpoSeconds: number;
  /** Payments that were answered with OK. */
  readonly acknowledged: number;
  /** Of those that had to survive, the ones that are gone. */
  readonly lost: number;
  /** Payments that were made more than once. */
  readonly doubled: number;
  /** Balances that callers were shown and the ledger does not have. */
  readonly stale: number;
  /** Of the failover drill: how often the old primary was trusted after it was replaced. */
  readonly trustedOld?: number;
  /** The ledger's own reconciliation, and the sum of all its transfers. */
  readonly booksOk: boolean;
  readonly steps: readonly DrillStep[];
}

/** What a drill promises, besides its own limit of time: nothing is lost, doubled or shown falsely, and the books are right. */
export function keepsPromise(report: DrillReport, rtoLimitSeconds: number): boolean {
  const { lost, doubled, stale, trustedOld = 0, booksOk, acknowledged, rtoSeconds } = report;
  return (
    acknowledged > 0 && lost + doubled + stale + trustedOld === 0 && booksOk && rtoSeconds <= rtoLimitSeconds
  );
}

/** Measures the steps of a drill. */
export class Stopwatch {
  readonly steps: DrillStep[] = [];
  readonly #log: (line: string) => void;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#log(`${name} …`);
    const startedAt = performance.now();
    const result = await work();
    this.steps.push({ name, seconds: Math.round(performance.now() - startedAt) / 1000 });
    return result;
  }
}

/** The report as text. */
export function reportText(report: DrillReport): string {
  return [
    ...report.steps.map(({ name, seconds }) => `  ${name.padEnd(28)} ${seconds.toFixed(1).padStart(7)} s`),
    ...(report.damage ? [`damage        ${report.damage}`] : []),
    `RTO           ${report.rtoSeconds.toFixed(1)} s, from the damage to the first payment`,
    `RPO           ${report.rpoSeconds.toFixed(3)} s`,
    `acknowledged  ${report.acknowledged}`,
    `lost          ${report.lost}`,
    `doubled       ${report.doubled}`,
    `stale reads   ${report.stale}`,
    `the books     ${report.booksOk ? 'are right' : 'ARE WRONG'}`,
  ].join('\n');
}

// Every refusal that a test sees is held against the contract: a reason that the RPC does not declare fails the test.
import { RPCS, registry } from '../clients/typescript/src/contracts.ts';
import { ANY_CALL, ANY_REST_CALL, NO_CALL, reasonsOf } from '../scripts/contracts/reasons.ts';

const CALL = registry.getExtension('ppuri.options.v1.call');
const ANYWHERE: readonly string[] = [...ANY_CALL, ...ANY_REST_CALL, ...NO_CALL];

/** The reasons for which an RPC can be refused, besides those of any call. */
export function declaredReasons(rpc: string): readonly string[] {
  const method = RPCS.get(rpc);
  return method && CALL ? reasonsOf(method, CALL) : [];
}

/** Throws where the contract of an RPC does not declare the reason that it was refused for; empty: it was not refused by ppuri. */
export function checkDeclared(rpc: string, reason: string): void {
  if (reason === '' || ANYWHERE.includes(reason) || declaredReasons(rpc).includes(reason)) return;
  throw new Error(`${rpc} was refused with ${reason}: declare it in (ppuri.options.v1.call) of the RPC`);
}

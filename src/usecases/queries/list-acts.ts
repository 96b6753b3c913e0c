// Reads the audit trail, for ops.
export { type ActFilter, type KeptAct, listActs } from '../../db/audit.ts';

// Limits: the policies in force, what was set for users, and what these hold and have moved.
export {
  changeUserLimits,
  deletePolicy,
  listPolicies,
  putPolicy,
  readPolicies,
  readUserLimits,
} from './policies.ts';
export { countAhead, countUsages, readElsewhere, type UncountedWallet } from './usage.ts';

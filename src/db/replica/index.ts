// Reads from a streaming replica that never miss what was committed before them (docs/internals/replica.md).

export { createReplicaReader, type ReplicaReader } from './replica-reader.ts';

// Reads from a streaming replica that never miss what was committed before them (docs/internals/replica.md).

export { createReplicaReader, type ReplicaReader, type ReplicaReaderOptions } from './replica-reader.ts';

// The baseline: a gRPC server that returns every message as it is.
import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';

const passThrough = (bytes: Buffer) => bytes;
const definition: ServiceDefinition = {
  echo: {
    path: '/bench.Echo/Echo',
    requestStream: false,
    responseStream: false,
    requestSerialize: passThrough,
    requestDeserialize: passThrough,
    responseSerialize: passThrough,
    responseDeserialize: passThrough,
  },
};
const implementation: UntypedServiceImplementation = {
  echo: (call: { request: Buffer }, callback: (error: null, response: Buffer) => void) =>
    callback(null, call.request),
};

const server = new Server({ 'grpc.enable_channelz': 0 });
server.addService(definition, implementation);
server.bindAsync(`127.0.0.1:${process.env.GRPC_PORT}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
  process.send?.('ready');
});
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));

// Reads headers of a call by their names, from grpc-js or from the HTTP/2 stream before grpc-js has seen it.
import type { IncomingHttpHeaders } from 'node:http2';

/** Reads all values of the header with this name, which is in lower case. The Metadata of grpc-js is one. */
export interface HeaderReader {
  get(name: string): readonly (string | Buffer)[];
}

/** The values that Metadata accepts. It ignores a header with any other, and so does this. */
const VISIBLE_OR_SPACE = /^[ -~]*$/;
const NONE: readonly string[] = [];

/** Reads the few headers that are asked for, where `Metadata.fromHttp2Headers` would check and copy all of them. */
export function http2HeaderReader(headers: IncomingHttpHeaders): HeaderReader {
  return {
    get(name) {
      const value = headers[name];
      if (typeof value !== 'string') return value ?? NONE;
      return VISIBLE_OR_SPACE.test(value) ? [value] : NONE;
    },
  };
}

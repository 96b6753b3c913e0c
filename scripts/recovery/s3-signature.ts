// Signs requests to S3: AWS Signature Version 4, for one request whose body is known ("Signing AWS API requests" in the IAM User Guide).
import { createHash, createHmac } from 'node:crypto';

/** The credentials of a login of S3. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials; empty for others. */
  readonly sessionToken: string;
}

/** A request without its signature. */
export interface UnsignedRequest {
  readonly method: string;
  readonly url: URL;
  readonly body: Uint8Array;
  /** Further headers of S3, `x-amz-…`, all of which have to be signed. */
  readonly amzHeaders?: Readonly<Record<string, string>>;
}

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();

/** The percent-encoding of RFC 3986, which encodes more than encodeURIComponent. */
export function encodeS3(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The headers of a signed request. They cover the SHA-256 of the body, which the storage compares. */
export function signS3(
  { method, url, body, amzHeaders = {} }: UnsignedRequest,
  credentials: S3Credentials,
  region: string,
  now: Date,
): Record<string, string> {
  const moment = now.toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${moment.slice(0, 8)}/${region}/s3/aws4_request`;
  const signed: Record<string, string> = {
    ...amzHeaders,
    host: url.host,
    'x-amz-content-sha256': sha256(body),
    'x-amz-date': moment,
    ...(credentials.sessionToken && { 'x-amz-security-token': credentials.sessionToken }),
  };
  const names = Object.keys(signed).sort();
  const query = [...url.searchParams]
    .map(([name, value]) => `${encodeS3(name)}=${encodeS3(value)}`)
    .sort()
    .join('&');
  const canonical = [
    method,
    url.pathname,
    query,
    ...names.map((name) => `${name}:${signed[name]}`),
    '',
    names.join(';'),
    signed['x-amz-content-sha256'],
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', moment, scope, sha256(canonical)].join('\n');
  const key = scope
    .split('/')
    .reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${credentials.secretAccessKey}`);
  const signature = hmac(key as Buffer, toSign).toString('hex');
  const { host: _, ...headers } = signed;
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
}

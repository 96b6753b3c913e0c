// Throw-away certificates for tests, made by openssl.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A certificate and its key, as PEM files. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Somebody who signs certificates. */
export interface Authority {
  readonly caFile: string;
  /** A certificate for a DNS name, 127.0.0.1 and another address, for servers and clients alike. */
  issue(name: string, address?: string): CertificateFiles;
}

/** Makes an authority whose files lie in a folder. */
export function makeAuthority(folder: string, name: string): Authority {
  const file = (suffix: string) => join(folder, `${name}${suffix}`);
  const caFile = file('.pem');
  const caKey = file('.key');
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...newKey, '-days', '2', '-subj', `/CN=${name}`, '-keyout', caKey, '-out', caFile);
  return {
    caFile,
    issue: (host, address) => {
      const [certFile, keyFile] = [file(`-${host}.pem`), file(`-${host}.key`)];
      const [request, extensions] = [file(`-${host}.csr`), file(`-${host}.ext`)];
      writeFileSync(
        extensions,
        `subjectAltName=DNS:${host},IP:127.0.0.1${address === undefined ? '' : `,IP:${address}`}\n`,
      );
      openssl('req', ...newKey, '-subj', `/CN=${host}`, '-keyout', keyFile, '-out', request);
      openssl(
        ...['x509', '-req', '-in', request, '-CA', caFile, '-CAkey', caKey, '-CAcreateserial'],
        ...['-days', '2', '-extfile', extensions, '-out', certFile],
      );
      return { certFile, keyFile };
    },
  };
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}

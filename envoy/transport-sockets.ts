// Transport sockets of the edge, with or without TLS: for clients, and to the servers.

/** TLS of a listener. All files are PEM. */
export interface ListenerTls {
  /** The certificate and its intermediates. */
  readonly certFile: string;
  readonly keyFile: string;
  /** With it, clients need a certificate of this authority (mTLS). */
  readonly clientCaFile?: string;
}

/** TLS to the servers. All files are PEM. */
export interface UpstreamTls {
  /** The authority of the servers' certificates. */
  readonly caFile: string;
  /** The DNS name in their certificates. */
  readonly serverName: string;
  /** The edge's client certificate, for servers that require one. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';
const PLAIN = {
  name: 'envoy.transport_sockets.raw_buffer',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer',
  },
};
const VERSIONS = { tls_minimum_protocol_version: 'TLSv1_2', tls_maximum_protocol_version: 'TLSv1_3' };

/** The transport_socket of a listener. */
export function listenerSocket(tls: ListenerTls | undefined): object {
  if (!tls) return PLAIN;
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TLS}.DownstreamTlsContext`,
      require_client_certificate: tls.clientCaFile !== undefined,
      common_tls_context: {
        tls_params: VERSIONS,
        alpn_protocols: ['h2', 'http/1.1'],
        tls_certificates: [certificate(tls.certFile, tls.keyFile)],
        ...(tls.clientCaFile !== undefined && {
          validation_context: { trusted_ca: { filename: tls.clientCaFile } },
        }),
      },
    },
  };
}

/** The transport_socket of the servers' cluster. */
export function upstreamSocket(tls: UpstreamTls | undefined): object {
  if (!tls) return PLAIN;
  const { caFile, serverName, certFile, keyFile } = tls;
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TLS}.UpstreamTlsContext`,
      sni: serverName,
      common_tls_context: {
        tls_params: VERSIONS,
        alpn_protocols: ['h2'],
        validation_context: {
          trusted_ca: { filename: caFile },
          // Without a name, any certificate of this authority would be accepted.
          match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: serverName } }],
        },
        ...(certFile !== undefined &&
          keyFile !== undefined && { tls_certificates: [certificate(certFile, keyFile)] }),
      },
    },
  };
}

function certificate(certFile: string, keyFile: string): object {
  return { certificate_chain: { filename: certFile }, private_key: { filename: keyFile } };
}

import { BlockList, isIP } from 'node:net'
import { type Endpoint, HoldfastError } from '@holdfast/core'
import { type TlsEndpoint, type Transport, tcp, tls, unix } from '@holdfast/core/node'

/** The name that a back proves by its certificate, whatever host it runs on. */
export const backCertificateName = 'holdfast-back'

/** The certificates of one node, in PEM, as `certs` writes them. */
export interface SplitCertificates {
  /** Of the authority that signed those of all nodes. */
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** How to reach, or to be, a back. */
export interface SplitTransport {
  readonly transport: Transport
  readonly endpoint: Endpoint
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/**
 * Chooses the transport of the split link: mutually authenticated TLS, or plain TCP on loopback and Unix sockets, for
 * whoever brings a tunnel (spec 10).
 *
 * @param uri - `tls://HOST:PORT`, `tcp://127.0.0.1:PORT` or `unix:PATH`
 * @throws a `HoldfastError` `HF_MTPROTO_INSECURE_SPLIT` for plain TCP to anywhere else, and for TLS without certificates
 */
export function splitEndpoint(uri: string, certificates: SplitCertificates | null): SplitTransport {
  if (uri.startsWith('unix:')) return { transport: unix(), endpoint: { uri } }
  if (uri.startsWith('tls:')) return { transport: tls(), endpoint: mutualTls(uri, certificates) }
  const host = new URL(uri).hostname.replace(/^\[|\]$/g, '')
  const isLocal = isIP(host) !== 0 && loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4')
  if (!isLocal) {
    throw insecure(
      `${uri} would carry clients' packets in clear`,
      'use tls://, or a tunnel that ends on 127.0.0.1',
    )
  }
  return { transport: tcp(), endpoint: { uri } }
}

function mutualTls(uri: string, certificates: SplitCertificates | null): TlsEndpoint {
  if (certificates === null) {
    throw insecure(
      `${uri} needs certificates`,
      'make them by «certs init» and «certs add-node», and name the files',
    )
  }
  const { ca, cert, key } = certificates
  return {
    uri,
    ca,
    cert,
    key,
    minVersion: 'TLSv1.2',
    servername: backCertificateName,
    requestCert: true,
    rejectUnauthorized: true,
  }
}

function insecure(what: string, fix: string): HoldfastError {
  return new HoldfastError('HF_MTPROTO_INSECURE_SPLIT', `${what}: ${fix}`)
}

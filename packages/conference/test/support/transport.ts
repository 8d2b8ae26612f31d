import { vectorFile } from './vectors.js'

/** A packet between a JavaScript peer and libtoxcore 0.2.18, with what is in its box. */
export interface RecordedPacket {
  readonly dir: string
  readonly kind: string | number
  readonly hex: string
  readonly plain?: string
  readonly nonce?: string
  readonly ackedUpTo?: number
  readonly number?: number
  readonly data?: string
}

/** Traffic over UDP, with the secrets of one side. */
export const udpTraffic = vectorFile('transport-udp') as {
  readonly js: Record<
    'realPk' | 'realSk' | 'dhtPk' | 'dhtSk' | 'cookieKey' | 'sessionPk' | 'sessionSk',
    string
  >
  readonly node: Record<'realPk' | 'realSk' | 'dhtPk', string>
  readonly derived: Record<
    'dhtSharedKey' | 'longTermSharedKey' | 'sessionSharedKey' | 'nodeBaseNonce',
    string
  >
  readonly packets: readonly RecordedPacket[]
}

/** Traffic through a relay, with the secrets of the client. */
export const relayTraffic = vectorFile('transport-tcp-relay') as {
  readonly js: Record<'dhtPk' | 'dhtSk' | 'tempPk' | 'tempSk' | 'baseNonce', string>
  readonly relay: Record<'publicKey' | 'baseNonce', string>
  readonly stream: readonly { readonly dir: string; readonly hex: string }[]
  readonly frames: readonly { readonly dir: string; readonly plain: string }[]
}

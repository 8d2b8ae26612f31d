import { request as requestPlain } from 'node:http'
import { request as requestSecure } from 'node:https'
import type { Clock, Millis } from '@holdfast/core'
import { maxRelayInfoBytes, type RelayInfo, readRelayInfo } from '../wire/relay-info.js'
import type { RelayTarget } from './relay-target.js'

/** Gets what a relay says about itself (NIP-11); null where there is nothing to be had. Never rejects. */
export type FetchRelayInfo = (endpoint: RelayTarget) => Promise<RelayInfo | null>

const within: Millis = 5000

/** By HTTP, from the address that is dialed as well (R4, R94): within 5 seconds, at most 256 KiB, no redirects. */
export function httpRelayInfo(clock: Clock): FetchRelayInfo {
  return (endpoint) =>
    new Promise((resolve) => {
      const url = new URL(endpoint.uri.replace(/^ws/, 'http'))
      const chunks: Buffer[] = []
      let bytes = 0
      const settle = (info: RelayInfo | null): void => {
        timer.cancel()
        resolve(info)
        request.destroy()
      }
      const ask = url.protocol === 'https:' ? requestSecure : requestPlain
      const { lookup } = endpoint
      const request = ask(url, {
        headers: { accept: 'application/nostr+json' },
        ...(lookup !== undefined && { lookup }),
      })
      const timer = clock.after(within, () => settle(null)).unref()
      request.on('error', () => settle(null))
      request.on('response', (response) => {
        if (response.statusCode !== 200) settle(null)
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > maxRelayInfoBytes) settle(null)
          else chunks.push(chunk)
        })
        response.on('end', () => settle(readRelayInfo(Buffer.concat(chunks).toString())))
        response.on('error', () => settle(null))
      })
      request.end()
    })
}

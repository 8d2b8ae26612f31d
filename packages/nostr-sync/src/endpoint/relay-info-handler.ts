import type { RequestListener } from 'node:http'
import { formatRelayInfo, type RelayInfo } from '../wire/relay-info.js'

const anybody = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Headers': '*',
  'Access-Control-Allow-Methods': 'GET, HEAD, OPTIONS',
}

/**
 * Answers HTTP requests to a relay (NIP-11): the document for those who accept `application/nostr+json`, from every
 * origin, and a sentence for everybody else. For an HTTP server of yours that {@link relayEndpoint} listens on.
 */
export function relayInfoHandler(info: RelayInfo): RequestListener {
  const document = formatRelayInfo(info)
  return (request, response) => {
    request.resume()
    if (request.method === 'OPTIONS') response.writeHead(204, anybody).end()
    else if (request.method !== 'GET' && request.method !== 'HEAD') response.writeHead(405, anybody).end()
    else if (request.headers.accept?.includes('application/nostr+json') === true)
      response.writeHead(200, { ...anybody, 'Content-Type': 'application/nostr+json' }).end(document)
    else
      response
        .writeHead(426, { ...anybody, 'Content-Type': 'text/plain; charset=utf-8', Upgrade: 'websocket' })
        .end('This is a Nostr relay. Connect to it with a Nostr client, over WebSocket.\n')
  }
}

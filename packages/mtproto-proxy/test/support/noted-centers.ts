import type { DataCenters, Tunnel, TunnelClient, TunnelEnd, TunnelRequest } from '../../src/tunnel.js'

/** Data centres that note what they are told. */
export class NotedCenters implements DataCenters {
  readonly tunnels: NotedTunnel[] = []
  refuse: TunnelEnd | null = null
  open(of: TunnelRequest, client: TunnelClient) {
    if (this.refuse !== null) return { refused: this.refuse }
    const tunnel = new NotedTunnel(of, client)
    this.tunnels.push(tunnel)
    return tunnel
  }
}

/** One of its tunnels. */
export class NotedTunnel implements Tunnel {
  readonly told: string[] = []
  /** Holds the client back from within `send`, until called. */
  release: (() => void) | null = null
  holdsOnSend = false
  readonly request: TunnelRequest
  readonly client: TunnelClient
  constructor(of: TunnelRequest, client: TunnelClient) {
    this.request = of
    this.client = client
  }
  send(packet: Uint8Array, { quickAck }: { quickAck: boolean }) {
    this.told.push(`${Buffer.from(packet).toString()}${quickAck ? ' quick' : ''}`)
    if (this.holdsOnSend) this.release = this.client.pause()
  }
  delivered(packets: number, bytes: number) {
    this.told.push(`delivered ${packets} ${bytes}`)
  }
  close() {
    this.told.push('close')
  }
}

/** A client that notes what it is told. */
export class NotedClient implements TunnelClient {
  readonly told: string[] = []
  holders = 0
  /** Called when it is read again. */
  whenRead: () => void = () => undefined
  packet(payload: Uint8Array) {
    this.told.push(Buffer.from(payload).toString())
  }
  quickAck(confirm: Uint8Array) {
    this.told.push(`ack ${Buffer.from(confirm).toString('hex')}`)
  }
  pause() {
    this.holders += 1
    return () => {
      this.holders -= 1
      if (this.holders === 0) this.whenRead()
    }
  }
  closed(why: TunnelEnd) {
    this.told.push(`closed: ${why}`)
  }
}

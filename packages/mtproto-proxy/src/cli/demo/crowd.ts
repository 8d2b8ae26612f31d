import type { Clock, Millis, Timer } from '@holdfast/core'
import type { TestClient } from '../../testing/test-client.js'

/** What became of a crowd's packets and connections, all told. */
interface CrowdTally {
  /** Clients whose connection is open, and how many of their packets were not answered. */
  readonly open: number
  readonly unanswered: number
  readonly idleClosed: number
  readonly busyClosed: number
  readonly sent: number
  readonly answered: number
  /** Answers that were for somebody else, or came twice, or in another order than they were asked for. */
  readonly wrong: number
}

const packetBytes = 40

/** A packet that says whose it is and which one. */
export function packetOf(client: number, number: number): Buffer {
  const packet = Buffer.alloc(packetBytes)
  packet.writeUInt32LE(0x5eed_0000, 0)
  packet.writeUInt32LE(client, 8)
  packet.writeUInt32LE(number, 12)
  return packet
}

/** Who sent a {@link packetOf}, and which one. */
export function readPacket(packet: Buffer): { readonly client: number; readonly number: number } {
  return { client: packet.readUInt32LE(8), number: packet.readUInt32LE(12) }
}

class Member {
  readonly number: number
  readonly isBusy: boolean
  readonly connection: TestClient
  sent = 0
  #seen = 0
  #last = 0
  #wrong = 0

  constructor(number: number, isBusy: boolean, connection: TestClient) {
    this.number = number
    this.isBusy = isBusy
    this.connection = connection
  }

  get isOpen(): boolean {
    return this.connection.ended === null
  }

  send(): void {
    this.sent += 1
    void this.connection.send(packetOf(this.number, this.sent))
  }

  /** How many answers have come. */
  get answered(): number {
    this.#look()
    return this.#seen
  }

  get wrong(): number {
    this.#look()
    return this.#wrong
  }

  #look(): void {
    for (const packet of this.connection.packets.slice(this.#seen)) {
      const { client, number } = readPacket(packet)
      if (client !== this.number || number <= this.#last) this.#wrong += 1
      this.#last = number
      this.#seen += 1
    }
  }
}

/** Clients of the demonstration: some say something all the time, the others wait for what may come. */
export class Crowd {
  readonly #clock: Clock
  readonly #connect: () => TestClient
  readonly #members: Member[] = []
  /** Whose place somebody else has taken. */
  readonly #back = new Set<Member>()
  #talking: Timer | null = null

  constructor(clock: Clock, connect: () => TestClient) {
    this.#clock = clock
    this.#connect = connect
  }

  /** More clients come, and each asks once. */
  join(count: number, o: { readonly isBusy: boolean }): void {
    for (let left = count; left > 0; left -= 1) {
      const member = new Member(this.#members.length, o.isBusy, this.#connect())
      this.#members.push(member)
      member.send()
    }
  }

  /** Those whose connection is over come back, as an app does. */
  rejoin(): void {
    const gone = this.#members.filter((member) => !member.isOpen && !this.#back.has(member))
    for (const member of gone) {
      this.#back.add(member)
      this.join(1, member)
    }
  }

  /** Everybody asks once. */
  ask(): void {
    for (const member of this.#members) if (member.isOpen) member.send()
  }

  /** Busy ones send, each every `every`, spread over it. */
  talk(every: Millis): void {
    const step = 20
    let turn = 0
    const rounds = Math.max(1, Math.round(every / step))
    const tick = (): void => {
      const busy = this.#members.filter(({ isBusy, isOpen }) => isBusy && isOpen)
      for (const [index, member] of busy.entries()) if (index % rounds === turn % rounds) member.send()
      turn += 1
      this.#talking = this.#clock.after(step, tick)
    }
    tick()
  }

  hush(): void {
    this.#talking?.cancel()
  }

  tally(): CrowdTally {
    const sum = (value: (member: Member) => number): number =>
      this.#members.reduce((total, member) => total + value(member), 0)
    return {
      open: sum(({ isOpen }) => Number(isOpen)),
      unanswered: sum(({ isOpen, sent, answered }) => (isOpen ? sent - answered : 0)),
      idleClosed: sum(({ isOpen, isBusy }) => Number(!isOpen && !isBusy)),
      busyClosed: sum(({ isOpen, isBusy }) => Number(!isOpen && isBusy)),
      sent: sum(({ sent }) => sent),
      answered: sum(({ answered }) => answered),
      wrong: sum(({ wrong }) => wrong),
    }
  }

  /** Whether everybody has been answered at least once. */
  get isServed(): boolean {
    return this.#members.every(({ answered }) => answered > 0)
  }

  async leave(): Promise<void> {
    this.hush()
    await Promise.all(this.#members.map(({ connection }) => connection[Symbol.asyncDispose]()))
  }
}

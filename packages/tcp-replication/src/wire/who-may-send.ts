import type { Dialect, KnownCommand, Side } from './commands.js'

type Senders = Readonly<Partial<Record<KnownCommand['name'], Side | 'both'>>>

const common: Senders = {
  SERVER: 'server',
  RDATA: 'server',
  POSITION: 'server',
  ERROR: 'both',
  PING: 'both',
  REMOTE_SERVER_UP: 'both',
  NAME: 'client',
  REPLICATE: 'client',
  USER_SYNC: 'client',
  FEDERATION_ACK: 'client',
  REMOVE_PUSHER: 'client',
  INVALIDATE_CACHE: 'client',
  USER_IP: 'client',
}

const d1: Senders = { ...common, SYNC: 'server' }
const d2: Senders = { ...common, CLEAR_USER_SYNC: 'client' }

/** Who may send which command: the table of section 3, and 14.1 for D2. */
export const senders: Readonly<Record<Dialect, ReadonlyMap<string, Side | 'both'>>> = {
  D1: new Map(Object.entries(d1)),
  D2: new Map(Object.entries(d2)),
}

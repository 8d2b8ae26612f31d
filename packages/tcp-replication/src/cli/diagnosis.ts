import { dialectOf } from '../wire/dialect.js'

/** What was found on a port. */
export interface Finding {
  readonly kind: 'replication' | 'refused' | 'unreachable' | 'silent' | 'http' | 'tls' | 'redis' | 'other'
  /** A sentence for people, with what to do. */
  readonly text: string
  readonly serverName?: string
  readonly dialect?: 'D1' | 'D2'
}

/** Says what answered. */
export function diagnose(heard: string, failure: string | null): Finding {
  if (failure === 'ECONNREFUSED') {
    return {
      kind: 'refused',
      text: 'nothing listens there: is the server running, and its replication listener configured?',
    }
  }
  if (failure !== null)
    return { kind: 'unreachable', text: `cannot be reached (${failure}): check host, port and firewall` }
  if (heard === '') {
    return {
      kind: 'silent',
      text: 'accepts connections and says nothing: a replication server would say SERVER at once',
    }
  }
  if (heard.startsWith('SERVER ')) return replication(heard)
  const [line = ''] = heard.split('\n')
  if (heard.startsWith('HTTP/') || /^<!doctype|^<html/i.test(heard)) {
    return {
      kind: 'http',
      text: `speaks HTTP (${line.trim()}): that is a client, federation or HTTP replication listener; take the one of type replication`,
    }
  }
  // A TLS alert: its type, and the version's first byte.
  if (heard.charCodeAt(0) === 0x15 && heard.charCodeAt(1) === 3) {
    return {
      kind: 'tls',
      text: 'speaks TLS: replication listeners do not, unless there is a tunnel before them',
    }
  }
  if (/^-(ERR|NOAUTH|DENIED)/.test(heard)) {
    return {
      kind: 'redis',
      text: 'is Redis: Synapse since 1.13 can replicate through it, which this program does not',
    }
  }
  return { kind: 'other', text: `answers something else: ${JSON.stringify(line.slice(0, 80))}` }
}

function replication(heard: string): Finding {
  const [first = '', ...lines] = heard.split('\n')
  const serverName = first.slice('SERVER '.length)
  const positions = lines.filter((line) => line.startsWith('POSITION '))
  const dialect = positions.map(dialectOf).find((found) => found !== null) ?? undefined
  const about = dialect === undefined ? 'of unknown dialect' : `of dialect ${dialect}`
  return {
    kind: 'replication',
    text: `a replication server ${about}: ${serverName}`,
    serverName,
    ...(dialect && { dialect }),
  }
}

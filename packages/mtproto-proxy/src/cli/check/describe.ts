import type { Failed } from './attempt.js'
import type { ClockFinding } from './clock.js'
import type { DataCenterReport, ProtocolReport } from './examine.js'

const protocolNames: Readonly<Record<ProtocolReport['protocol'], string>> = {
  'fake-tls': 'fake-TLS',
  secure: 'secure',
  plain: 'plain',
}

/** A report for people: what works and how fast, and what does not and why. */
export function describeReport(report: ProtocolReport): string {
  const { server, port, protocol, failure, clock, dataCenters } = report
  const lines = [`${protocolNames[protocol]} by ${server}:${port}`]
  if (clock !== null) lines.push(`  FAILED: ${describeClock(clock)}`)
  else if (failure !== null) lines.push(`  FAILED: ${describeFailure(failure, protocol)}`)
  lines.push(...dataCenters.map((dataCenter) => `  ${describeDataCenter(dataCenter)}`))
  for (const sentence of conclusions(report)) lines.push(`  FAILED: ${sentence}`)
  return `${lines.join('\n')}\n`
}

/** Why a connection did not come about. */
function describeFailure({ at, why, detail }: Failed, protocol: ProtocolReport['protocol']): string {
  switch (why) {
    case 'unreachable':
      return `nobody answers there (${detail}): is it running, and does a firewall let clients through?`
    case 'web-server':
      return "a web site answers, to which the proxy relays strangers, or there is no proxy: the secret is wrong, disabled or expired, or the address is not the proxy's"
    case 'alert':
      return 'TLS refuses us with an alert: the secret is wrong, disabled or expired, or there is no proxy but a TLS server'
    case 'not-tls':
      return 'what answers speaks no TLS: another program listens there'
    case 'garbled':
      return `what came back is no answer${detail === null ? '' : ` (${detail})`}: ${at === 'packet' ? 'something between here and Telegram changes the bytes' : 'this is no proxy'}`
    case 'error':
      return `Telegram answers with the error ${detail}`
    case 'closed':
    case 'silent':
      return describeSilence(at, why, protocol)
  }
}

function describeSilence(
  at: Failed['at'],
  why: 'closed' | 'silent',
  protocol: ProtocolReport['protocol'],
): string {
  const what = why === 'closed' ? 'it closes the connection' : 'it says nothing in time'
  if (at === 'connect')
    return 'the connection does not open in time: a firewall drops it, or the host is down'
  if (at === 'hello') {
    return `${what} after the hello: the secret is wrong, disabled or expired, or fake-TLS is not allowed`
  }
  if (protocol === 'fake-tls') {
    return `${what} after a right hello, so the secret is right: a limit or rule refuses us, or it does not reach this data centre`
  }
  return `${what}: the secret is wrong, disabled or expired, ${protocol} is not allowed, a limit or rule refuses us, or it does not reach this data centre`
}

/** By how much clocks differ. */
function describeClock(clock: ClockFinding): string {
  const known = 'the secret is right, but the clocks differ'
  if (clock.kind === 'off') return `${known}: set the time here, or on the proxy`
  const { from, to, ahead } = clock
  if (ahead !== null) {
    const way = ahead > 0 ? 'ahead of' : 'behind'
    return `${known}: the proxy's is about ${span(Math.abs(ahead))} ${way} ours; set the one that is wrong`
  }
  return `${known}: the proxy takes hellos that are stamped between ${signed(from)} and ${signed(to)} from our time; set the one that is wrong`
}

function describeDataCenter({ dc, sent, answered, times }: DataCenterReport): string {
  const head = `dc ${String(dc).padStart(3)}  ${answered} of ${sent}`
  if (times === null) return head
  const { connect, handshake, answer } = times
  const [least, median, most] = answer.map((ms) => ms.toFixed(0))
  const range = sent === 1 ? `${median} ms` : `${median} ms (${least} to ${most})`
  return `${head}  connect ${connect[1].toFixed(0)} ms, handshake ${handshake[1].toFixed(0)} ms, answer ${range}`
}

/** Data centres that fail the same way are named together. */
function conclusions({ dataCenters, protocol }: ProtocolReport): string[] {
  const groups = new Map<string, number[]>()
  for (const { dc, failure } of dataCenters) {
    if (failure === null) continue
    const sentence = describeFailure(failure, protocol)
    groups.set(sentence, [...(groups.get(sentence) ?? []), dc])
  }
  return [...groups].map(([sentence, dcs]) =>
    dcs.length === dataCenters.length ? sentence : `data centre ${dcs.join(', ')}: ${sentence}`,
  )
}

function signed(seconds: number): string {
  return `${seconds < 0 ? '−' : '+'}${span(Math.abs(seconds))}`
}

function span(seconds: number): string {
  const minutes = Math.round(seconds / 60)
  if (seconds < 120) return `${seconds} s`
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

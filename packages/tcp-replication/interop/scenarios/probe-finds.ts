import { runHoldfast } from '../holdfast-cli.js'
import { freePort } from '../loopback.js'
import type { SynapseVersion } from '../synapse/synapse-installation.js'
import { type Bench, type Scenario, Started, startMain } from './scenario.js'

/** `probe` says what it finds on the ports of a main process. */
export function probeFinds(version: SynapseVersion): Scenario {
  return {
    name: `probe-${version}`,
    about: 'probe tells the replication port from the HTTP port and from a closed one',
    version,
    run: (bench) => run(bench),
  }
}

async function run(bench: Bench): Promise<void> {
  const { score, installation } = bench
  await using started = new Started()
  const main = await startMain(bench, started)
  const dialect = installation.version === '1.4.0' ? 'D1' : 'D2'
  score.equal(
    'probe of the replication port',
    `replication ${dialect} interop.test, exit code 0`,
    await probe(main.replicationPort),
  )
  score.equal('probe of the HTTP port', 'http, exit code 1', await probe(main.httpPort))
  score.equal('probe of a closed port', 'refused, exit code 1', await probe(await freePort()))
}

async function probe(port: number): Promise<string> {
  const { code, out } = await runHoldfast(['probe', `127.0.0.1:${port}`, '--json'])
  const { kind, dialect, serverName } = JSON.parse(out) as {
    kind: string
    dialect?: string
    serverName?: string
  }
  return `${[kind, dialect, serverName].filter((word) => word !== undefined).join(' ')}, exit code ${code}`
}

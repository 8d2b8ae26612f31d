import { defaultRules } from '@holdfast/conference'
import { Simulation, type SimulationOptions } from '@holdfast/conference/testing'
import { describe, expect, it } from 'vitest'

/** A conference of four, all friends, in which everybody sees everybody. */
function four(options: Partial<SimulationOptions> = {}): Simulation {
  const simulation = new Simulation({ seed: 4, peers: 4, friends: 'all', ...options })
  simulation.assemble()
  return simulation
}

function titles({ peers }: Simulation): string[] {
  return peers.map(({ conference }) => Buffer.from(conference?.title ?? '').toString())
}

function setTitle({ peers }: Simulation, index: number, title: string): void {
  peers[index]?.do({ kind: 'set-title', conference: 0, title })
}

/** How many others each peer sees live, and frozen. */
function counts({ peers }: Simulation): [number, number][] {
  return peers.map(({ conference }) => [
    conference?.roster.live.size ?? 0,
    conference?.roster.frozen.size ?? 0,
  ])
}

describe('after many faults', () => {
  const runs = Array.from({ length: 24 }, (_, index) => ({
    seed: 1000 + index,
    peers: [2, 3, 5, 8][index % 4] ?? 5,
  }))

  it.each(runs)('P1: $peers peers find each other, seed $seed', ({ seed, peers }) => {
    const simulation = new Simulation({ seed, peers, friends: seed % 3 === 0 ? 'all' : 'sparse' })
    simulation.assemble()
    simulation.disturb(25)
    const { flaws, healedAfterMs } = simulation.conclude()
    simulation.stop()
    expect(flaws, simulation.history.join('\n')).toEqual([])
    expect(healedAfterMs).toBeLessThan(60_000)
  })
})

describe('two halves of a conference', () => {
  it('P1: become one over a single friend connection', () => {
    const simulation = new Simulation({ seed: 7, peers: 4, friends: 'all' })
    simulation.assemble()
    simulation.split([0, 0, 1, 1])
    simulation.clock.advance(120_000)
    expect(counts(simulation)).toEqual(Array(4).fill([1, 2]))
    const [, b, c] = simulation.peers
    simulation.links.route((x, y) => {
      const isBridge = (x === b && y === c) || (x === c && y === b)
      const side = (one: unknown): boolean => simulation.peers.indexOf(one as never) < 2
      return isBridge || side(x) === side(y)
    })
    simulation.clock.advance(60_000)
    expect(counts(simulation)).toEqual(Array(4).fill([3, 0]))
  })

  it('P3, R22: with different titles keep them after the merge; who was alone takes the others’', () => {
    const simulation = four()
    setTitle(simulation, 0, 'at first')
    simulation.clock.advance(5000)
    simulation.split([0, 0, 1, 1])
    simulation.clock.advance(100_000)
    setTitle(simulation, 1, 'AB side')
    setTitle(simulation, 3, 'CD side')
    simulation.clock.advance(5000)
    simulation.merge()
    simulation.clock.advance(60_000)
    expect(titles(simulation)).toEqual(['AB side', 'AB side', 'CD side', 'CD side'])

    simulation.split([0, 1, 1, 1])
    simulation.clock.advance(95_000)
    setTitle(simulation, 0, 'A alone')
    simulation.clock.advance(1000)
    simulation.merge()
    simulation.clock.advance(60_000)
    expect(['AB side', 'CD side']).toContain(titles(simulation)[0])
    expect(counts(simulation)).toEqual(Array(4).fill([3, 0]))
  })

  it('P2: a member that left meanwhile ends up frozen where that was missed', () => {
    const simulation = four()
    simulation.split([0, 0, 1, 1])
    simulation.clock.advance(120_000)
    simulation.peers[0]?.do({ kind: 'leave', conference: 0 })
    simulation.merge()
    simulation.clock.advance(120_000)
    expect(counts(simulation).slice(1)).toEqual([
      [2, 0],
      [2, 1],
      [2, 1],
    ])
  })

  it('P6: never hear what was said on the other side, if nothing is held', () => {
    const simulation = four({ rules: { ...defaultRules, history: null } })
    simulation.split([0, 0, 1, 1])
    simulation.clock.advance(120_000)
    simulation.peers[0]?.do({ kind: 'say', conference: 0, text: 'only here', as: 'chat' })
    simulation.merge()
    simulation.clock.advance(60_000)
    const heard = simulation.peers.map(({ news }) =>
      news.some((one) => one.kind === 'message' && one.text === 'only here'),
    )
    expect(heard).toEqual([false, true, false, false])
  })
})

describe('a conference at rest', () => {
  it('T10.2: sends a ping of each member every 20 s, and nothing else', () => {
    const simulation = four()
    const before = simulation.peers.map(({ conference }) => conference?.messageNumber ?? 0)
    simulation.clock.advance(200_000)
    const after = simulation.peers.map(({ conference }) => conference?.messageNumber ?? 0)
    expect(after.map((number, index) => number - (before[index] ?? 0))).toEqual([10, 10, 10, 10])
  })

  it('I24: does not mind a host that sleeps for half a minute, or a clock that is set by a day', () => {
    const simulation = four()
    simulation.peers[1]?.sleep()
    simulation.clock.advance(25_000)
    simulation.peers[1]?.wake()
    for (const peer of simulation.peers) peer.wallOffset = 86_400_000
    simulation.clock.advance(30_000)
    expect(simulation.peers.flatMap(({ news }) => news.filter(({ kind }) => kind === 'frozen'))).toEqual([])
    expect(simulation.disagreements()).toEqual([])
  })

  it('gives the same run for the same seed', () => {
    const run = (): unknown => {
      const simulation = four({ seed: 99 })
      simulation.disturb(10)
      return [simulation.history, simulation.peers.map(({ news }) => news)]
    }
    expect(run()).toEqual(run())
  })
})

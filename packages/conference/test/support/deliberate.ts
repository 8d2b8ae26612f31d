import type { Turnout } from './replay.js'

/** A place in a transcript where this package does something else than the real peer did, on purpose. */
export interface Difference {
  readonly rule: string
  readonly what: string
  readonly scenario: string
  readonly peer: string
  /** Virtual milliseconds. */
  readonly at: number
  /** What is done instead. */
  readonly ours: (theirs: Turnout) => Turnout
}

const noEvents = (theirs: Turnout): Turnout => ({ ...theirs, events: [] })
const key = {
  R: '50b368ba467369c95ff040b0a0f172947c1de109a5877ecbd0cc8cf7452fa726',
  Q: 'a951fe299129fdb635f3d71fcba3b84821ae2012ca09a0475c236179a07b9150',
  other: '810ac419e3a2f898697f4975d5d581fac0150f84fbdd63769f96be8c166ffc2d',
  otherDht: '9a1e154989d9349e20c263dc14dae71e116e9646e48563c7d4c59c8d2ae0eb21',
}
const injected = { scenario: 'injected', peer: 'A' }
const lossyTimes = [1250, 1450, 1550, 1650, 1750, 1850, 2050, 2250, 2350, 2650, 2750, 2850, 3050]

export const differences: readonly Difference[] = [
  {
    rule: 'U1',
    what: 'who set the title itself keeps it when a member comes back with an old one',
    scenario: 'title-setter-quirk',
    peer: 'A',
    at: 102_800,
    ours: noEvents,
  },
  {
    rule: 'U1',
    what: 'who changed the title while a member was away keeps it',
    scenario: 'freeze-rejoin',
    peer: 'A',
    at: 159_100,
    ours: noEvents,
  },
  {
    rule: 'U2',
    what: 'entries behind a frozen member are read too, and its name with them',
    ...injected,
    at: 1650,
    ours: (theirs) => ({
      ...theirs,
      outputs: [`want-connection ${key.other} ${key.otherDht}`],
      events: [`name 0 ${key.Q} 517565`],
    }),
  },
  { rule: 'U2', what: 'that name is no news later', ...injected, at: 1850, ours: noEvents },
  {
    rule: 'U2',
    what: 'the member of the entry behind is listed',
    ...injected,
    at: 2050,
    ours: (theirs) => {
      const entry = { peerNumber: 300, realKey: key.other, dhtKey: key.otherDht, name: '' }
      return { ...theirs, outputs: [...theirs.outputs, `entry ${key.R} ${JSON.stringify(entry)}`].sort() }
    },
  },
  ...lossyTimes.map((at) => ({
    rule: 'U4',
    what: 'a lossy packet goes to the nearest of either side, not to whoever has the first slot',
    scenario: 'lossy',
    peer: 'A',
    at,
    ours: (theirs: Turnout) => ({
      ...theirs,
      outputs: theirs.outputs.filter((output) => !output.startsWith(`lossy ${key.R}`)),
    }),
  })),
  {
    rule: 'U5',
    what: "a New Peer with another's number is not passed on",
    ...injected,
    at: 1050,
    ours: (theirs) => ({ ...theirs, outputs: [] }),
  },
  {
    rule: 'spec 8',
    what: 'a message in our name with a number that we have not used is not taken for ours',
    ...injected,
    at: 3250,
    ours: noEvents,
  },
]

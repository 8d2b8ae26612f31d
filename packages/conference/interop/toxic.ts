import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { changeProfile, newProfile } from '../src/profile/tox-profile.js'
import { KeyPair } from '../src/tox/crypto/box.js'
import { newSavedFriend } from '../src/wire/friends-section.js'

const run = promisify(execFile)

/** Whether toxic and tmux are installed. */
export async function isToxicInstalled(): Promise<boolean> {
  return run('sh', ['-c', 'command -v toxic && command -v tmux']).then(
    () => true,
    () => false,
  )
}

/** The terminal client toxic with a profile that we wrote, its keys pressed and its screen read by tmux. */
export class Toxic implements AsyncDisposable {
  readonly realKey: string
  readonly #server: string

  private constructor(realKey: string, server: string) {
    this.realKey = realKey
    this.#server = server
  }

  /** Starts it in a terminal of its own. It looks for nobody, and goes only where it is told to. */
  static async start(directory: string, name: string, friend: string): Promise<Toxic> {
    const keys = new KeyPair(randomBytes(32))
    const fresh = newProfile({ secretKey: keys.secret(), name })
    const profile = join(directory, `${name}.tox`)
    const nodes = join(directory, 'nodes.json')
    await writeFile(profile, changeProfile(fresh, { friends: [newSavedFriend(friend)] }))
    await writeFile(nodes, JSON.stringify({ last_scan: Math.floor(Date.now() / 1000), nodes: [] }))
    const config = join(directory, 'toxic.conf')
    // It would fetch a list of nodes.
    await writeFile(config, 'tox = { nodeslist_update_freq=0; };\n')
    const toxic = new Toxic(keys.name, `holdfast-${process.pid}-${name}`)
    const command = `HOME=${directory} toxic -f ${profile} -c ${config} -n ${nodes} --no-lan --ipv4 -d`
    await toxic.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', '150', '-y', '45', command)
    await toxic.shows(/Local discovery disabled/)
    return toxic
  }

  /** Types a line and sends it off. */
  async types(line: string): Promise<void> {
    await this.#tmux('send-keys', '-l', line)
    await this.#tmux('send-keys', 'Enter')
  }

  /** Turns to the next window, until there is one that shows this. */
  async turnsTo(what: RegExp): Promise<void> {
    for (let turn = 0; turn < 8; turn += 1) {
      if (what.test(await this.screen())) return
      await this.#tmux('send-keys', 'C-p')
      await sleep(300)
    }
    throw new Error(`no window of toxic shows ${what}; the last one:\n${await this.screen()}`)
  }

  /** What is on its screen. */
  async screen(): Promise<string> {
    return (await this.#tmux('capture-pane', '-p')).trimEnd()
  }

  /** Waits until its screen shows this. */
  async shows(what: RegExp, withinMs = 30_000): Promise<void> {
    const deadline = performance.now() + withinMs
    for (let screen = await this.screen(); !what.test(screen); screen = await this.screen()) {
      if (performance.now() > deadline) throw new Error(`toxic does not show ${what}:\n${screen}`)
      await sleep(100)
    }
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    return (await run('tmux', ['-L', this.#server, ...args])).stdout
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux('kill-server').catch(() => undefined)
  }
}

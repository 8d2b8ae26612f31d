import { get, type IncomingMessage, request } from 'node:http'
import { type Env, type Lifecycle, type LinkScope, lifecycle } from '../src/index.js'
import { type Inspector, serveInspector } from '../src/inspector/index.js'
import type { InspectorMessage } from '../src/inspector/types.js'
import { nodeEnv } from '../src/node/index.js'
import { ScriptedDialer, testEnv, type VirtualClock } from '../src/testing/index.js'

/** An inspector and the environments of what it looks at, all on one clock of the test. */
export async function rig(): Promise<
  AsyncDisposable & {
    readonly clock: VirtualClock
    readonly inspector: Inspector
    readonly named: (name: string) => Env & { readonly clock: VirtualClock }
  }
> {
  const base = testEnv()
  const { clock } = base
  const inspector = await serveInspector({ at: '127.0.0.1:0', program: 'test', clock })
  const named = (name: string): Env & { readonly clock: VirtualClock } => ({
    ...nodeEnv({ ...base, name }),
    clock,
  })
  return { clock, inspector, named, [Symbol.asyncDispose]: () => inspector[Symbol.asyncDispose]() }
}

/** A lifecycle that is ready as soon as it is open, after 5 ms. */
export function plainLifecycle(env: Env, uri = 'tcp://host.example:1'): Lifecycle {
  const dialer = new ScriptedDialer(env.clock, [{ openAfter: 5 }])
  const protocol = (scope: LinkScope): object => {
    scope.ready()
    return {}
  }
  return lifecycle({ env, dialer, endpoints: [{ uri }], protocol })
}

/** A page as far as messages go. */
export class Reader implements Disposable {
  readonly messages: InspectorMessage[] = []
  readonly #response: IncomingMessage
  #text = ''
  #heard: () => void = () => undefined

  private constructor(response: IncomingMessage) {
    this.#response = response
    response.setEncoding('utf8')
    response.on('error', () => undefined)
    response.on('data', (chunk: string) => {
      const parts = (this.#text + chunk).split('\n\n')
      this.#text = parts.pop() ?? ''
      for (const part of parts) {
        if (part.startsWith('data: ')) this.messages.push(JSON.parse(part.slice(6)) as InspectorMessage)
      }
      this.#heard()
    })
  }

  static open(url: string): Promise<Reader> {
    return new Promise((resolve, reject) => {
      get(`${url}events`, { agent: false }, (response) => {
        if (response.statusCode === 200) resolve(new Reader(response))
        else reject(new Error(String(response.statusCode)))
      }).on('error', reject)
    })
  }

  /** The first message from here on that is like this. */
  async until(isIt: (message: InspectorMessage) => boolean): Promise<InspectorMessage> {
    for (;;) {
      const at = this.messages.findIndex(isIt)
      const [found] = at === -1 ? [] : this.messages.splice(0, at + 1).slice(-1)
      if (found !== undefined) return found
      await new Promise<void>((resolve) => (this.#heard = resolve))
    }
  }

  [Symbol.dispose](): void {
    this.#response.destroy()
  }
}

/** Status, headers and text of an answer; fetch does not let all headers be set. */
export function ask(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<{ status: number; headers: IncomingMessage['headers']; text: string }> {
  return new Promise((resolve, reject) => {
    request(url, { headers, method, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
    })
      .on('error', reject)
      .end()
  })
}

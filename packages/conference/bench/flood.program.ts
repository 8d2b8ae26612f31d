/** What `tox-flood.c` is, made of this software. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { nodeEnv } from '@holdfast/core/node'
import { filter, firstValueFrom, type Observable } from 'rxjs'
import { type BindUdp, type ToxNode, toxNode } from '../src/index.js'
import { bindUdp } from '../src/tox/udp-socket.js'

const ports = new Set<number>()

/** What the two would send to each other directly is lost. */
const apart: BindUdp = async (at, receive) => {
  const socket = await bindUdp(at, receive)
  ports.add(socket.address.port)
  return {
    address: socket.address,
    send: (to, packet) => !ports.has(to.port) && socket.send(to, packet),
    close: () => socket.close(),
  }
}

async function start(name: string): Promise<ToxNode> {
  const node = await toxNode({
    env: nodeEnv({ name }),
    secretKey: randomBytes(32),
    listen: { host: '127.0.0.1', port: 0 },
    bindUdp: apart,
  })
  node.conferences.events$.subscribe((news) => {
    if (news.kind === 'invited') node.conferences.accept(news.from, news.identifier)
  })
  return node
}

const said$ = (at: ToxNode): Observable<unknown> => at.conferences.events$
const source = await start('source')
const sink = await start('sink')
const print = (line: string): void => void process.stdout.write(`${line}\n`)

async function isIn(node: ToxNode): Promise<void> {
  while ((node.conferences.list()[0]?.members.length ?? 0) < 3) await firstValueFrom(said$(node))
}

async function meet(host: string, port: number, dhtKey: string, realKey: string): Promise<void> {
  for (const node of [source, sink]) node.befriend(realKey, { dhtKey, address: { host, port } })
  await Promise.all([isIn(source), isIn(sink)])
  print('met')
}

async function flood(count: number, bytes: number, window: number): Promise<void> {
  const began = performance.now()
  let sent = 0
  let heard = 0
  let spent = 0
  const speak = (): void => {
    while (sent < count && sent - heard < window) {
      const text = String(performance.now()).padEnd(bytes, ' x')
      if (source.conferences.say(source.conferences.list()[0]?.conference ?? 0, text) !== null) return
      sent += 1
    }
  }
  const all = firstValueFrom(sink.conferences.messages$.pipe(filter(() => heard === count)))
  const hearing = sink.conferences.messages$.subscribe(({ text }) => {
    spent += performance.now() - Number.parseFloat(text)
    heard += 1
    speak()
  })
  speak()
  await all
  hearing.unsubscribe()
  print(`flooded ${heard} ${(performance.now() - began) / 1000} ${spent / heard / 1000}`)
}

print(`self ${source.realKey} ${sink.realKey} ${source.dhtKey} ${source.address?.port}`)
createInterface({ input: process.stdin }).on('line', (line) => {
  const [command, ...words] = line.split(' ')
  if (command === 'meet') void meet(words[0] ?? '', Number(words[1]), words[2] ?? '', words[3] ?? '')
  else if (command === 'flood') void flood(Number(words[0]), Number(words[1]), Number(words[2]))
})
await once(process, 'disconnect')
process.exit()

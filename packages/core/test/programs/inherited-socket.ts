/** Accepts one link on descriptor 3, answers its first words, and leaves. */
import { end, type Link } from '@holdfast/core'
import { sockets } from '@holdfast/core/node'

const accepting = await sockets().accept(
  { uri: 'fd:3' },
  {
    incoming(take) {
      const link: Link = take({
        opened() {},
        data(chunk) {
          link.write(`heard ${Buffer.from(chunk).toString()}`)
          link.end(end('closed-by-us'))
          void accepting.close()
        },
        writable() {},
        ended() {},
      })
    },
    failed: (cause) => {
      throw cause
    },
  },
)
console.log(accepting.endpoint.uri)

/** A node of ours in the middle: invites whom it is told of to its conference, and passes on what they say. */
import { randomBytes } from 'node:crypto'
import { nodeEnv } from '@holdfast/core/node'
import { toxNode } from '../src/index.js'

const [, , ...friends] = process.argv
const node = await toxNode({
  env: nodeEnv({ name: 'relay' }),
  secretKey: randomBytes(32),
  listen: { host: '127.0.0.1', port: 0 },
  tell: (news) => {
    if (news.kind === 'friend' && news.changed === 'isOnline' && news.friend.isOnline) {
      node.conferences.invite(conference, news.friend.realKey)
    }
  },
})
const conference = node.conferences.create() ?? 0
for (const friend of friends) node.befriend(friend)
process.on('disconnect', () => process.exit())
process.send?.({ port: node.address?.port, dhtKey: node.dhtKey, realKey: node.realKey })

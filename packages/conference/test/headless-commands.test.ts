import { describe, expect, it } from 'vitest'
import { parseCommand } from '../src/cli/headless-commands.js'

const key = '5b'.repeat(32)

describe('a command that is none says which field is wrong, and what is expected', () => {
  it.each<[unknown, string]>([
    [5, 'a command is an object, such as {"do":"list"}'],
    [{}, 'do: must be one of create, accept, decline, invite, '],
    [{ do: 'fly' }, 'do: must be one of create, '],
    [
      { do: 'say', conference: 'x', text: 'x' },
      'conference: must be a number of this run, or an identifier of 66 ',
    ],
    [
      { do: 'say', conference: -1, text: 'x' },
      'conference: must be a number of this run, or an identifier of 66 ',
    ],
    [{ do: 'say', conference: 0 }, 'text: must be a text'],
    [{ do: 'create', type: 'video' }, 'type: must be "text" or "audio"'],
    [{ do: 'unfriend', friend: 'ada' }, 'friend: must be a public key of 64 lower-case hexadecimal digits'],
    [{ do: 'befriend' }, 'friend: must be a Tox ID of 76, or a public key of 64 hexadecimal digits'],
    [{ do: 'accept', from: key }, 'identifier: must be an identifier of 66 lower-case hexadecimal digits'],
    [{ do: 'page', conference: 0, limit: 1001 }, 'limit: must be a whole number from 1 to 1000'],
    [{ do: 'page', conference: 0, after: 0.5 }, 'after: must be a whole number from 0'],
    [{ do: 'befriend', friend: key, address: '127.0.0.1:1' }, 'address: must be {"host":IP,"port":N}'],
    [{ do: 'befriend', friend: key, address: { host: 'x', port: 1 } }, 'address.host: must be an IP address'],
    [
      { do: 'befriend', friend: key, address: { host: '::1', port: 0 } },
      'address.port: must be a port from 1 to 65535',
    ],
    [{ do: 'list', idd: 1, all: true }, 'idd: there is no such field; all: there is no such field'],
    [{ do: 'list', id: {} }, 'id: must be a text or a number'],
    [{ do: 'leave', conference: 'x', nmae: '' }, 'nmae: there is no such field'],
  ])('%j', (command, why) => {
    const parsed = parseCommand(JSON.stringify(command)) as { why?: string }
    expect(parsed.why).toContain(why)
    expect(parsed.why).not.toMatch(/Invalid|✖|\n|expected/)
  })
})

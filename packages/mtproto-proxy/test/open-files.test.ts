import { silentLog } from '@holdfast/core'
import { testEnv } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'
import { openFilesFor, openFilesLimit, warnOfOpenFiles } from '../src/cli/open-files.js'
import { proxySettings } from '../src/config/to-settings.js'
import { secret } from './support/running-proxy.js'

const port = { name: 'main', port: 443, secret }
const two = [port, { name: 'second', port: 444, secret }]

describe('the limit on open files', () => {
  it('is read as Linux has it', () => {
    const text = 'Limit                     Soft Limit           Hard Limit           Units\n'
    expect(
      openFilesLimit(`${text}Max open files            20000                20000                files\n`),
    ).toBe(20_000)
    expect(
      openFilesLimit(`${text}Max open files            unlimited            unlimited            files\n`),
    ).toBeNull()
    expect(openFilesLimit('')).toBeNull()
  })

  it('is compared with what all ports need, and those who are relayed', () => {
    expect(openFilesFor(proxySettings({ ports: two, max_connections: 1000 }))).toBe(2000 + 1024)
    const fronting = { domain_fronting: 'sni', domain_fronting_max_connections: 50 }
    expect(openFilesFor(proxySettings({ ports: [port], max_connections: 10, ...fronting }))).toBe(60 + 1024)
    const back = { node_role: 'back', split: { listen: 'tcp://127.0.0.1:4430' } }
    expect(openFilesFor(proxySettings({ ports: two, ...back }))).toBe(1024)
  })

  it.runIf(process.platform === 'linux')('that is too low is warned of at the start', async () => {
    const warned: unknown[] = []
    const log = { ...silentLog, warn: (_fields: object, text: string) => warned.push(text) }
    const env = { ...testEnv(), log }
    await warnOfOpenFiles(env, proxySettings({ ports: [port], max_connections: 1 }))
    expect(warned).toEqual([])
    await warnOfOpenFiles(env, proxySettings({ ports: [port], max_connections: 2_000_000_000 }))
    expect(warned).toEqual([expect.stringMatching(/open files are not enough.*raise LimitNOFILE/)])
  })
})

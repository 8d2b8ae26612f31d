import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { HoldfastError } from '../src/index.js'
import { toldFailure } from '../src/program/command-error.js'
import { askStatus, CommandError, exitCodes } from '../src/program/index.js'
import { ConfigError } from '../src/service/index.js'

describe('what a command throws', () => {
  it('is told with the innermost reason, unless that is told already', () => {
    const cause = new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') })
    const failed = new CommandError('nothing answers', { cause })
    expect(toldFailure(failed)?.text).toBe('nothing answers (connect ECONNREFUSED)')
    const told = new HoldfastError('HF_STORE_CORRUPT', 'x: damaged; page 7', { cause: new Error('page 7') })
    expect(toldFailure(told)?.text).toBe('x: damaged; page 7')
  })

  it('decides how the program exits', () => {
    const codeOf = (thrown: unknown) => toldFailure(thrown)?.exitCode
    expect(codeOf(new CommandError('no'))).toBe(exitCodes.failure)
    expect(codeOf(new CommandError('no', { exitCode: exitCodes.usage }))).toBe(exitCodes.usage)
    expect(codeOf(new ConfigError(['no']))).toBe(exitCodes.usage)
    expect(codeOf(new HoldfastError('HF_LISTEN_FAILED', 'no'))).toBe(exitCodes.failure)
    expect(codeOf(Object.assign(new Error('open: no'), { syscall: 'open' }))).toBe(exitCodes.failure)
  })

  it('is a fault of the program if it is anything else', () => {
    expect(toldFailure(new TypeError('x is undefined'))).toBe(null)
    expect(toldFailure('a text')).toBe(null)
  })
})

describe('the status of a running program', () => {
  it('is what it answers, and an error says what answers otherwise', async () => {
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/status' ? 200 : 404).end('{"links":7}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    expect(await askStatus(url)).toEqual({ links: 7 })
    server.removeAllListeners('request').on('request', (_, response) => response.writeHead(404).end())
    await expect(askStatus(url)).rejects.toThrow('HTTP 404')
    server.close()
    server.closeAllConnections()
    await expect(askStatus(url)).rejects.toThrow(`nothing answers at ${url}`)
  })
})

import { spawnSync } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const deploy = fileURLToPath(new URL('../deploy/', import.meta.url))
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0

describe.runIf(hasSystemd)('13 the units for systemd', () => {
  it('are understood', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
    try {
      const [service, socket] = ['holdfast-mtproto-proxy.service', 'holdfast-mtproto-proxy.socket']
      const text = await readFile(join(deploy, service), 'utf8')
      // Where it is checked the program is not installed.
      await writeFile(join(folder, service), text.replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true'))
      await copyFile(join(deploy, socket), join(folder, socket))
      const files = [service, socket].map((file) => join(folder, file))
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], {
        encoding: 'utf8',
      })
      const ours = stderr.split('\n').filter((line) => line.includes('holdfast'))
      expect([status, ours]).toEqual([0, []])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

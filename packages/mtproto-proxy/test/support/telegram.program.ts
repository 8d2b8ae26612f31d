/** An embedded Telegram in a process of its own: its options as JSON. Says its addresses, and does what it is told. */
import { type FakeTelegramOptions, fakeTelegram } from '@holdfast/mtproto-proxy/testing'
import type { TelegramOrder } from './telegram-process.js'

const telegram = await fakeTelegram(JSON.parse(process.argv[2] ?? '{}') as FakeTelegramOptions)

async function obey(order: TelegramOrder): Promise<void> {
  if (order.kind === 'rotate') await telegram.rotate(order.how)
  else if (order.kind === 'rules') Object.assign(telegram.rules, order.rules)
  process.send?.(telegram.stats)
}

process.on('disconnect', () => process.exit())
process.on('message', (order) => void obey(order as TelegramOrder))
process.send?.(telegram.site.urls)

/** An embedded Telegram that echoes, in a process of its own. Says its addresses when it is there. */
import { fakeTelegram } from '@holdfast/mtproto-proxy/testing'

const telegram = await fakeTelegram({ dcIds: [2], answers: 'echo' })
process.on('disconnect', () => process.exit())
process.send?.(telegram.site.urls)

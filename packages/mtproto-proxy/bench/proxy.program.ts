/** The proxy in a process of its own: `SECRET_URL CONFIG_URL SECRET`. Says its port; asked anything, what it has used. */
import { nodeEnv } from '@holdfast/core/node'
import { proxyNode, proxySettings } from '@holdfast/mtproto-proxy'
import { answerUsage } from './usage.js'

const [secretUrl, configUrl, secret] = process.argv.slice(2)
const settings = proxySettings({
  listen_ip: '127.0.0.1',
  ports: [{ name: 'main', port: 0, secret }],
  proxy_secret_url: secretUrl,
  proxy_config_url: configUrl,
  external_ip: '127.0.0.1',
})
const node = await proxyNode({ env: nodeEnv({ name: 'bench' }), settings })
await node.start()
const { uri = '' } = node.state.listeners[0]?.endpoint ?? {}
answerUsage(Number(new URL(uri).port))

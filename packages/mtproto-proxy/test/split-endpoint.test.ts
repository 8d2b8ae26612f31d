import { describe, expect, it } from 'vitest'
import { splitEndpoint } from '../src/split/split-endpoint.js'

const certificates = { ca: 'ca', cert: 'cert', key: 'key' }

describe('10 the transport of the split link', () => {
  it.each(['tcp://127.0.0.1:9000', 'tcp://127.8.0.1:9000', 'tcp://[::1]:9000', 'unix:/run/back.sock'])(
    'may be plain on this host: %s',
    (uri) => {
      expect(splitEndpoint(uri, null).endpoint).toEqual({ uri })
    },
  )

  it.each([
    'tcp://192.0.2.1:9000',
    'tcp://[2001:db8::1]:9000',
    'tcp://localhost.example:9000',
    'tcp://0.0.0.0:9000',
  ])('may not be plain elsewhere: %s', (uri) => {
    expect(() => splitEndpoint(uri, certificates)).toThrow(/HF_MTPROTO_INSECURE_SPLIT|in clear/)
  })

  it('is TLS that both sides prove themselves by, against one authority', () => {
    expect(splitEndpoint('tls://back.example:9000', certificates).endpoint).toMatchObject({
      ...certificates,
      minVersion: 'TLSv1.2',
      requestCert: true,
      rejectUnauthorized: true,
      servername: 'holdfast-back',
    })
  })

  it('is no TLS without certificates', () => {
    expect(() => splitEndpoint('tls://back.example:9000', null)).toThrow(/certs init/)
  })
})

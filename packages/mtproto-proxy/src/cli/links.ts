import type { ListenerSettings, ProxySettings, SecretSettings } from '../config/settings.js'
import { formatLink, type ProxyLink } from '../wire/link.js'
import { deriveSniKey, formatSecret, type Secret } from '../wire/secret.js'

/** What one user is given. */
export interface UserLink {
  /** Name of the port. */
  readonly listener: string
  /** Name of the secret. */
  readonly name: string
  readonly mode: Secret['kind']
  /** What goes into a client's settings. */
  readonly secret: string
  /** Opens the app. */
  readonly tg: string
  /** Works in any browser. */
  readonly https: string
}

/** What {@link userLinks} cannot find in the settings. */
export interface LinkDefaults {
  /** Host for links of ports on all addresses where `public_host` and `external_ip` are not set: what was looked up. */
  readonly host?: string | undefined
  /** Domain of fake-TLS links for secrets without one. */
  readonly domain?: string | undefined
}

/** Why the links of these settings lead nowhere, and what to do about it; `null` if they name a host. */
export function linkProblem(settings: ProxySettings, { host }: LinkDefaults = {}): string | null {
  const isNamed = settings.publicHost !== null || settings.telegram.externalIp !== null || host !== undefined
  const wildcard = settings.listeners.find(isWildcard)
  if (isNamed || wildcard === undefined) return null
  return `the links name ${wildcard.ip}, which no client can reach: set public_host, or external_ip, in the configuration`
}

/** The domain that fake-TLS links have if nobody chose one, as those of the original. */
const sampleDomain = 's3.amazonaws.com'

/** The links of every port, secret and mode that is allowed (spec 2). Disabled secrets have none. */
export function userLinks(settings: ProxySettings, defaults: LinkDefaults = {}): UserLink[] {
  return settings.listeners.flatMap((listener) =>
    listener.secrets
      .filter(({ isEnabled }) => isEnabled)
      .flatMap((secret) => linksOf(settings, { listener, secret, defaults })),
  )
}

function linksOf(
  settings: ProxySettings,
  o: { listener: ListenerSettings; secret: SecretSettings; defaults: LinkDefaults },
): UserLink[] {
  const { listener, secret: owner, defaults } = o
  const server =
    settings.publicHost ??
    settings.telegram.externalIp ??
    (isWildcard(listener) ? defaults.host : undefined) ??
    listener.ip
  const domain = owner.domain ?? defaults.domain ?? sampleDomain
  return secretsOf(settings, owner, domain).map((secret) => {
    const link: ProxyLink = { server, port: listener.port, secret }
    return {
      listener: listener.name,
      name: owner.name,
      mode: secret.kind,
      secret: formatSecret(secret),
      tg: formatLink(link, 'tg'),
      https: formatLink(link, 'https'),
    }
  })
}

function isWildcard({ ip }: ListenerSettings): boolean {
  return ip === '0.0.0.0' || ip === '::'
}

/** The best hidden first. */
function secretsOf(settings: ProxySettings, { key }: SecretSettings, domain: string): Secret[] {
  const { allowedProtocols: allowed, perSniSalt } = settings.client
  const secrets: Secret[] = []
  if (allowed.has('fake_tls')) {
    const tlsKey = perSniSalt === null ? key : deriveSniKey(key, perSniSalt, domain)
    secrets.push({ kind: 'fake-tls', key: tlsKey, domain })
  }
  if (allowed.has('secure')) secrets.push({ kind: 'secure', key })
  if (allowed.has('abridged') || allowed.has('intermediate')) secrets.push({ kind: 'plain', key })
  return secrets
}

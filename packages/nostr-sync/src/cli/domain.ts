/** What is said of a text that {@link parseDomain} does not take. */
export const wrongDomain = 'It must be the name of a host, such as grasp.example or grasp.example:8443'

/**
 * Reads one of our domains as announcements are compared with it (R5): in lower case, international names as they go over the
 * wire, without the port that everybody assumes; `null` for what is no host.
 */
export function parseDomain(text: string): string | null {
  const address = `https://${text.trim()}`
  if (!URL.canParse(address)) return null
  const { host, href } = new URL(address)
  // Whatever else an address may have: a scheme, a path, somebody's name.
  return href === `https://${host}/` && !/[/?#@]/.test(text) ? host.replace(/\.(?=:|$)/, '') : null
}

import type { Scenario } from './scenario.js'
export function relayStandsBetween(version: '1.4.0' | '1.66.0'): Scenario {
  return { name: 'relay-' + version, about: '', version, run: async () => undefined }
}

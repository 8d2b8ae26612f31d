import { type Env, type Lifecycle, type LifecycleOptions, type LinkProtocol, lifecycle } from '../index.js'

/** The options of a lifecycle that decide when it reconnects; defaults as of a lifecycle. */
export type ReconnectOptions = Pick<
  LifecycleOptions<LinkProtocol>,
  'advise' | 'backoff' | 'dialWithin' | 'stableAfter'
>

/**
 * Makes one simulated client's options; called once for each, so that what a client draws for itself stays its
 * own.
 */
export type Reconnect = (random: () => number) => ReconnectOptions

/** How long a simulated connection takes to be established or refused, in milliseconds. */
export const dialTakes = 50

/** A client that is ready as soon as its link opens: whatever it forgets, it forgets at the earliest moment. */
export function reconnectingClient(
  env: Env,
  dialer: LifecycleOptions<LinkProtocol>['dialer'],
  reconnect: Reconnect,
): Lifecycle {
  const client = lifecycle({
    env,
    dialer,
    endpoints: [{ uri: 'memory:server' }],
    protocol: (scope) => {
      scope.ready()
      return {}
    },
    ...reconnect(() => env.random()),
  })
  client.start()
  return client
}

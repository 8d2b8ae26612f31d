/**
 * What connections do, as spans of OpenTelemetry.
 *
 * @packageDocumentation
 */

export { type TraceLifecyclesOptions, traceLifecycles } from './trace-lifecycles.js'

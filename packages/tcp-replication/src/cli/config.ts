import { z } from 'zod'
import { addressForms, isAddress } from './endpoints.js'

const address = z.string().refine(isAddress, { error: `It must be ${addressForms}.` })
const size = z.number().int().positive()

const retain = z
  .strictObject({
    bytes: size.optional(),
    rows: size.optional(),
    /** In hours. */
    hours: z.number().positive().optional(),
  })
  .default({})

const slow = z
  .strictObject({
    bytes: size.default(65_536),
    seconds: z.number().positive().default(60),
  })
  .prefault({})

/** What serving has in common, whatever the rows come from. */
const serving = {
  data: z.string().min(1),
  listen: address.default('tcp://127.0.0.1:9092'),
  http: z.string().optional(),
  httpSecret: z.string().min(1).optional().meta({ secret: true }),
  streams: z
    .array(z.string().min(1))
    .refine((names) => new Set(names).size === names.length, { error: 'Each stream must be named once' })
    .optional(),
  dialect: z.enum(['d1', 'd2']).default('d1'),
  maxConnections: size.default(10_000),
  positionEvery: z.number().positive().default(30),
  retain,
  slow,
}

/** Configuration of `serve`. */
export const serveSchema = z.strictObject({
  serverName: z.string().min(1).default('localhost'),
  /** Checked where it is used: what reads it is there only with `ioredis`. */
  redis: z.string().optional().meta({ secret: true }),
  instance: z.string().min(1).default('master'),
  ...serving,
})

/** Configuration of `relay`. */
export const relaySchema = z.strictObject({
  upstream: address,
  name: z.string().min(1).default('relay'),
  serverName: z.string().min(1).optional(),
  from: z.union([z.literal('NOW'), z.number().int()]).default('NOW'),
  updates: z.url().optional(),
  updatesSecret: z.string().min(1).optional().meta({ secret: true }),
  ...serving,
})

/** Checked configuration of `serve`. */
export type ServeConfig = z.output<typeof serveSchema>
/** Checked configuration of `relay`. */
export type RelayConfig = z.output<typeof relaySchema>

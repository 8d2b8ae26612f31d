/** The program of a worker thread: checks what it is sent, one batch after the other. */
import { parentPort, workerData } from 'node:worker_threads'
import { type Batch, checkPacked } from './packing.js'
import { loadSchnorr } from './schnorr.js'
import type { SchnorrBackend } from './types.js'

const verify = await loadSchnorr(workerData as SchnorrBackend)

parentPort?.on('message', ({ number, packed }: Batch) => {
  parentPort?.postMessage({ number, verdicts: checkPacked(packed, verify) })
})

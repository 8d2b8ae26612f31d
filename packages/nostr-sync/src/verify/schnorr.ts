import { Buffer } from 'node:buffer'
import type { SchnorrBackend } from './types.js'

// This module runs in worker threads too, and therefore imports nothing of core.

/** Checks one signature of BIP-340: 64 bytes, over 32 bytes, by an x-only key of 32 bytes. Must not throw. */
export type SchnorrVerify = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean

/** Of BIP-340's own vectors: two to accept, and for each way of being wrong one to refuse. */
const selfTest: readonly (readonly [
  publicKey: string,
  message: string,
  signature: string,
  isValid: boolean,
])[] = [
  // 0: valid
  [
    'f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9',
    '0000000000000000000000000000000000000000000000000000000000000000',
    'e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca821525f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0',
    true,
  ],
  // 2: valid
  [
    'dd308afec5777e13121fa72b9cc1b7cc0139715309b086c960e18fd969774eb8',
    '7e2d58d8b3bcdf1abadec7829054f90dda9805aab56c77333024b9d0a508b75c',
    '5831aaeed7b44bb74e5eab94ba9d4294c49bcf2a60728d8b4c200f50dd313c1bab745879a5ad954a72c45a91c3a51d3c7adea98d82f8481e0e1e03674a6f3fb7',
    true,
  ],
  // 5: public key not on the curve
  [
    'eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34',
    '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89',
    '6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e17776969e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b',
    false,
  ],
  // 6: has_even_y(R) is false
  [
    'dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659',
    '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89',
    'fff97bd5755eeea420453a14355235d382f6472f8568a18b2f057a14602975563cc27944640ac607cd107ae10923d9ef7a73c643e166be5ebeafa34b1ac553e2',
    false,
  ],
  // 7: negated message
  [
    'dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659',
    '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89',
    '1fa62e331edbc21c394792d2ab1100a7b432b013df3f6ff4f99fcb33e0e1515f28890b3edb6e7189b630448b515ce4f8622a954cfe545735aaea5134fccdb2bd',
    false,
  ],
  // 8: negated s value
  [
    'dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659',
    '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89',
    '6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e177769961764b3aa9b2ffcb6ef947b6887a226e8d7c93e00c5ed0c1834ff0d0c2e6da6',
    false,
  ],
  // 9: sG - eP is infinite (x(inf) taken as 0)
  [
    'dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659',
    '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89',
    '0000000000000000000000000000000000000000000000000000000000000000123dda8328af9c23a94c1feecfd123ba4fb73476f0d594dcb65c6425bd186051',
    false,
  ],
  // 11: sig[0:32] is not an X coordinate on the curve
  [
    'dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659',
    '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89',
    '4a298dacae57395a15d0795ddbfd1dcb564da82b0f269bc70a74f8220429ba1d69e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b',
    false,
  ],
  // 12: sig[0:32] is equal to field size
  [
    'dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659',
    '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89',
    'fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f69e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b',
    false,
  ],
  // 13: sig[32:64] is equal to curve order
  [
    'dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659',
    '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89',
    '6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e177769fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141',
    false,
  ],
  // 14: public key exceeds the field size
  [
    'fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc30',
    '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89',
    '6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e17776969e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b',
    false,
  ],
]

/**
 * Loads a back end and has it prove itself.
 *
 * @throws an error when it cannot be loaded, or judges a vector wrongly
 */
export async function loadSchnorr(backend: SchnorrBackend): Promise<SchnorrVerify> {
  const verify = await loaders[backend]()
  for (const [publicKey, message, signature, isValid] of selfTest) {
    const found = verify(
      Buffer.from(signature, 'hex'),
      Buffer.from(message, 'hex'),
      Buffer.from(publicKey, 'hex'),
    )
    if (found !== isValid) throw new Error(`${backend}: misjudges the signature ${signature.slice(0, 16)}…`)
  }
  return verify
}

const loaders: Readonly<Record<SchnorrBackend, () => Promise<SchnorrVerify>>> = {
  native: loadNative,
  wasm: loadWasm,
  javascript: loadJavaScript,
}

/** What is used of `bcrypto`, which comes without types. */
interface BcryptoSchnorr {
  /** 2 for machine code, 0 for its own JavaScript. */
  readonly native: number
  verify(message: Buffer, signature: Buffer, publicKey: Buffer): boolean
}

/** An optional peer dependency: it compiles when it is installed, which needs a compiler. */
const bcrypto = 'bcrypto/lib/schnorr.js'

async function loadNative(): Promise<SchnorrVerify> {
  const { default: schnorr } = (await import(bcrypto)) as { default: BcryptoSchnorr }
  if (schnorr.native !== 2) throw new Error('bcrypto was installed without being compiled')
  return (signature, message, publicKey) =>
    schnorr.verify(bufferOf(message), bufferOf(signature), bufferOf(publicKey))
}

function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length)
}

async function loadWasm(): Promise<SchnorrVerify> {
  const { isXOnlyPoint, verifySchnorr } = await import('tiny-secp256k1')
  return (signature, message, publicKey) => {
    try {
      return isXOnlyPoint(publicKey) && verifySchnorr(message, publicKey, signature)
    } catch {
      return false // How it says that r or s is beyond the curve.
    }
  }
}

async function loadJavaScript(): Promise<SchnorrVerify> {
  const { schnorr } = await import('@noble/curves/secp256k1.js')
  return (signature, message, publicKey) => schnorr.verify(signature, message, publicKey)
}

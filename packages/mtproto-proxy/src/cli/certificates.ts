import 'reflect-metadata'
import { createPrivateKey, KeyObject, randomBytes, webcrypto } from 'node:crypto'
import type { WallStamp } from '@holdfast/core'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

/** A certificate and its private key, in PEM. */
export interface Identity {
  readonly cert: string
  readonly key: string
}

const { subtle } = webcrypto
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const day = 86_400_000
const validFor = 3653 * day

/** Makes the certificate authority of a split proxy: it signs certificates of nodes and nothing else. */
export async function newAuthority(at: WallStamp): Promise<Identity> {
  const keys = await subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=Holdfast split proxy',
    keys,
    ...common(at),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { cert: pem(certificate), key: keyPem(keys.privateKey) }
}

/** Options of {@link newNode}. */
export interface NodeCertificate {
  readonly authority: Identity
  /** Goes into the certificate as its common name: what `allowed_fronts` lists. */
  readonly name: string
  /** A back is dialled, a front dials. */
  readonly role: 'front' | 'back'
  readonly at: WallStamp
}

/** Makes the certificate of one node. */
export async function newNode({ authority, name, role, at }: NodeCertificate): Promise<Identity> {
  const issuer = new X509Certificate(authority.cert)
  const keys = await subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const usage = role === 'back' ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: await signingKey(authority.key),
    ...common(at),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([usage], true),
      new SubjectAlternativeNameExtension([{ type: 'dns', value: name }]),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer),
    ],
  })
  return { cert: pem(certificate), key: keyPem(keys.privateKey) }
}

/** Valid from the day before, for clocks that are behind. */
function common(at: WallStamp): object {
  // 16 bytes that begin with 01 are a positive number of that length, as DER wants it.
  const serialNumber = `01${randomBytes(15).toString('hex')}`
  return {
    serialNumber,
    signingAlgorithm: algorithm,
    // The library wants dates; what time it is was handed in.
    /* eslint-disable no-restricted-globals */
    notBefore: new Date(at - day),
    notAfter: new Date(at + validFor),
    /* eslint-enable no-restricted-globals */
  }
}

function pem(certificate: X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}

function keyPem(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString()
}

function signingKey(key: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(key).export({ type: 'pkcs8', format: 'der' })
  return subtle.importKey('pkcs8', der, algorithm, false, ['sign'])
}

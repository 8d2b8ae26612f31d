import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { ConfigError } from '@holdfast/core/service'
import { type EventSigner, keySigner } from '../relay/signer.js'

/** Says which field of the configuration was at fault, where only using it could show that. */
export async function forField<T>(field: string, value: string, use: Promise<T>): Promise<T> {
  try {
    return await use
  } catch (cause) {
    const { code = String(cause) } = cause as NodeJS.ErrnoException
    const problem = `${field}: ${value} cannot be opened (${code}); check the path, and who may use it`
    throw new ConfigError([problem], { cause })
  }
}

/** Reads certificate and key of a TLS server, and sees that they are that. */
export async function readCertificate(
  certificate: string,
  key: string,
): Promise<{ readonly cert: Buffer; readonly key: Buffer }> {
  const pair = {
    cert: await forField('certificate', certificate, readFile(certificate)),
    key: await forField('key', key, readFile(key)),
  }
  try {
    createSecureContext(pair)
  } catch (cause) {
    const problem = `certificate, key: ${certificate} and ${key} are no pair of PEM files; write both anew`
    throw new ConfigError([problem], { cause })
  }
  return pair
}

/** Reads the key that we sign with where a relay asks who we are. */
export async function readSigner(authKeyFile: string): Promise<EventSigner> {
  const text = await forField('authKeyFile', authKeyFile, readFile(authKeyFile, 'utf8'))
  try {
    return keySigner(text.trim())
  } catch {
    throw new ConfigError([`authKeyFile: ${authKeyFile} must hold a secret key of 64 lower-case hex digits`])
  }
}

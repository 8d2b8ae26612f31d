import { packageVersion } from '@holdfast/core/program'

/** The package's version. */
export const version = packageVersion(new URL('../../package.json', import.meta.url))

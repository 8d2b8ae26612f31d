/** The program, as its users call it. */
export const programName = 'holdfast-mtproto-proxy'

/** What the program's environment variables begin with. */
export const variablePrefix = 'HOLDFAST_MTPROTO_PROXY'

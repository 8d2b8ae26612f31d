/** The program, as its users call it. */
export const programName = 'holdfast-tcp-replication'

/** What the program's environment variables begin with. */
export const variablePrefix = 'HOLDFAST_TCP_REPLICATION'

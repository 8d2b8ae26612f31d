/** The program, as its users call it. */
export const programName = 'holdfast-conference'

/** What the program's environment variables begin with. */
export const variablePrefix = 'HOLDFAST_CONFERENCE'

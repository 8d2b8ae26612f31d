/**
 * The command line of a program: its commands, their common options, and what is told of a failure. A command is loaded when it is
 * asked for, and with it what it needs; this needs only `commander` and `@bomb.sh/tab`.
 *
 * @packageDocumentation
 */

export { askStatus } from './ask-status.js'
export { CommandError, type CommandErrorOptions } from './command-error.js'
export { configOption, logLevelOption } from './common-options.js'
export { exitCodes } from './exit-codes.js'
export { httpUrl } from './http-url.js'
export { addInspectOption } from './inspect-option.js'
export { type LinesOptions, linesOf } from './lines.js'
export { packageVersion } from './package-version.js'
export { type ProgramCommand, type ProgramOptions, runProgram } from './run-program.js'
export { addServiceOptions, type ServiceFlags } from './service-options.js'

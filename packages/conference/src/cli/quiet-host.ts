/** For {@link runService} of commands whose standard output is for their user alone: the report of the end goes elsewhere. */
export const quietHost = {
  on: (event: string, listener: (...args: unknown[]) => void) => process.on(event, listener),
  off: (event: string, listener: (...args: unknown[]) => void) => process.off(event, listener),
  exit: (code: number) => process.exit(code),
  stdout: { write: () => undefined },
}

import imported from 'reconnecting-websocket'

/** Node imports its CommonJS build, whose export is the class and not, as its types say, an object around it. */
export const ReconnectingWebSocket = imported as unknown as typeof imported.default

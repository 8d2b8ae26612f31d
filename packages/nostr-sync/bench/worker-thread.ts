/** The thread that checks signatures, beside the measured programs as it is beside the library. */
await import('../src/verify/worker-thread.js')

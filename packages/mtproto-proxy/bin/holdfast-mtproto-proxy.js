#!/usr/bin/env -S MALLOC_TRIM_THRESHOLD_=33554432 MALLOC_MMAP_THRESHOLD_=4194304 node --single-threaded-gc --max-semi-space-size=4
// Threads that collect garbage in small heaps full of large buffers cost twice the CPU of carrying those bytes. Sessions
// are objects that grow old: more than 4 MiB for young ones would only take memory. And the C library gives memory of
// buffers back to the kernel as soon as it is free, which then has to clear it for the next.
import '../dist/cli/main.js'

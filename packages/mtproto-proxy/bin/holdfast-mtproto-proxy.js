#!/usr/bin/env -S MALLOC_TRIM_THRESHOLD_=33554432 MALLOC_MMAP_THRESHOLD_=4194304 node --single-threaded-gc
// Threads that collect garbage in small heaps full of large buffers cost twice the CPU of carrying those bytes. And the
// C library gives memory of buffers back to the kernel as soon as it is free, which then has to clear it for the next.
import '../dist/cli/main.js'

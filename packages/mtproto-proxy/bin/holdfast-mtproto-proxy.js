#!/usr/bin/env -S node --single-threaded-gc
// Threads that collect garbage in small heaps full of large buffers cost twice the CPU of carrying those bytes.
import '../dist/cli/main.js'

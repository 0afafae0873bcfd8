#pragma once

/// Compiles the function once for each instruction set named and picks one when the program starts.
/// Sanitizer builds compile it once: their run-time is not ready when the choice is made.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define LORE_SIMD __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LORE_SIMD
#endif

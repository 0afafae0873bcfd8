#pragma once

// Made by tests/support/nf4_golden.py with bitsandbytes 0.50.2 on a CPU. Digests are 64-bit FNV-1a of the
// bytes.

constexpr unsigned long long kNf4Decoded = 0x309f2ab81ed9e3f7ULL;
constexpr unsigned long long kDynamicMap = 0xd677f22a96665bc4ULL;
constexpr float kNf4First[8] = {-0x1.00e3500000000p-7F, 0x1.7370120000000p-8F,   0x1.c4da280000000p-9F,
                                0x1.47176c0000000p-11F, -0x1.7bba800000000p-10F, -0x1.0dc5160000000p-8F,
                                -0x1.65afe40000000p-8F, 0x1.00e3500000000p-7F};
constexpr float kNf4Last[8] = {
    0x1.0565500000000p-7F,  0x1.2621a20000000p-8F,  0x1.0154b20000000p-9F,  0x0.0p+0F,
    -0x1.2968360000000p-9F, -0x1.6bf6b40000000p-8F, -0x1.0565500000000p-7F, 0x1.79f4a80000000p-8F};

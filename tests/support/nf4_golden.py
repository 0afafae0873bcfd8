"""Writes tests/unit/codecs/nf4_golden.h: what bitsandbytes 0.50.2 makes of a small matrix as NF4 with double quantization.

Needs torch and bitsandbytes==0.50.2, which are not installed for the tests: python nf4_golden.py > ../unit/codecs/nf4_golden.h
"""

import bitsandbytes
import bitsandbytes.functional as functional
import torch

assert bitsandbytes.__version__ == "0.50.2", bitsandbytes.__version__
# 520 blocks of 64 and a half one; block 3 is zeros. Each value is exact in float32.
i = torch.arange(33312, dtype=torch.int64)
values = ((i * 7919 % 1009 - 504) * (1 + i // 64 % 13)).to(torch.float32) / 65536
values[192:256] = 0
packed, state = functional.quantize_4bit(values, quant_type="nf4", compress_statistics=True)
decoded = functional.dequantize_4bit(packed, state)


def fnv(data):
    digest = 0xCBF29CE484222325
    for byte in data:
        digest = (digest ^ byte) * 0x100000001B3 % 2**64
    return f"0x{digest:016x}ULL"


print("#pragma once\n")
print("// Made by tests/support/nf4_golden.py with bitsandbytes 0.50.2 on a CPU. Digests are 64-bit FNV-1a of the bytes.\n")
print(f"constexpr unsigned long long kNf4Decoded = {fnv(decoded.numpy().tobytes())};")
print(f"constexpr unsigned long long kDynamicMap = {fnv(state.state2.code.numpy().tobytes())};")
for name, first in (("First", 0), ("Last", 33312 - 8)):
    numbers = ", ".join(float(v).hex() + "F" for v in decoded.flatten()[first:first + 8])
    print(f"constexpr float kNf4{name}[8] = {{{numbers}}};")

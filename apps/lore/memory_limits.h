#pragma once

#include <cstdint>

/// Bytes that this process may still take: the least of what the machine has available, what its cgroup
/// (version 2 or 1) leaves, and its limit on address space. 0 where nothing is known.
std::int64_t available_memory();

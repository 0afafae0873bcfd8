#pragma once

#include <span>
#include <string>
#include <vector>

#include "console.h"
#include "lore/tasks/gguf_stream.h"

/// One line for each type that tensors of a GGUF file fell back to, with the first of them.
void print_fallbacks(Console& console, std::span<const lore::GgufFallback> fallbacks);

/// Of the tensors, in order.
std::vector<std::string> tensor_names(std::span<const lore::GgufFallback> fallbacks);

# Compiler settings shared by every target: warnings, sanitizers, ccache and gold where they exist.

find_program(LORE_CCACHE ccache)
if(LORE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${LORE_CCACHE})
endif()

# Not mold: 1.10.1 links programs that do not start where the writable segment begins at a page's border ("cannot apply
# additional memory protection after relocation").
find_program(LORE_GOLD ld.gold)
if(LORE_GOLD)
  add_link_options(-fuse-ld=gold)
endif()

add_library(lore_flags INTERFACE)
target_compile_options(lore_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms of GCC 12 on std::string (GCC bug 105651).
  target_compile_options(lore_flags INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread
                                              -Wno-maybe-uninitialized)
endif()
if(LORE_WERROR)
  target_compile_options(lore_flags INTERFACE -Werror)
endif()
if(LORE_SANITIZE)
  target_compile_options(lore_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined
                                              -fno-omit-frame-pointer)
  target_link_options(lore_flags INTERFACE -fsanitize=address,undefined)
endif()

# Most of what a source costs to compile is reading the headers of LibTorch, nlohmann/json and the standard library, so
# each family of targets reads them once. Off, a compiler cache finds more in a second build folder.
set(LORE_PLAIN_HEADERS <algorithm> <array> <cmath> <filesystem> <functional> <map> <memory> <optional> <span> <string>
                       <vector> <fmt/format.h> <nlohmann/json.hpp>)
set(LORE_TORCH_HEADERS <ATen/core/Tensor.h> <ATen/TensorOperators.h>)
option(LORE_PRECOMPILED_HEADERS "Precompile the headers that most sources include" ON)

# lore_precompile(TARGET FAMILY HEADERS...): TARGET begins with HEADERS; those of one FAMILY are compiled once, which
# takes targets with the same compile options.
function(lore_precompile target family)
  if(NOT LORE_PRECOMPILED_HEADERS)
    return()
  endif()
  get_property(owner GLOBAL PROPERTY LORE_PRECOMPILED_${family})
  if(owner)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  else()
    target_precompile_headers(${target} PRIVATE ${ARGN})
    set_property(GLOBAL PROPERTY LORE_PRECOMPILED_${family} ${target})
  endif()
endfunction()

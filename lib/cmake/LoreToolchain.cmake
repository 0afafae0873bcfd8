# Compiler settings shared by every target: warnings, sanitizers, ccache and mold where they exist.

find_program(LORE_CCACHE ccache)
if(LORE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${LORE_CCACHE})
endif()

find_program(LORE_MOLD mold)
if(LORE_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(lore_flags INTERFACE)
target_compile_options(lore_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms of GCC 12 on std::string (GCC bug 105651).
  target_compile_options(lore_flags INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()
if(LORE_WERROR)
  target_compile_options(lore_flags INTERFACE -Werror)
endif()
if(LORE_SANITIZE)
  target_compile_options(lore_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined
                                              -fno-omit-frame-pointer)
  target_link_options(lore_flags INTERFACE -fsanitize=address,undefined)
endif()

# Finds LibTorch (headers and libraries) and defines the target lore::torch.
#
# TorchConfig.cmake is not used: it leaks MKL link folders into RUNPATH, adds flags to every target,
# and a CUDA build's enables the CUDA language, which needs nvcc. Looked for, in this order:
#   Torch_DIR (".../share/cmake/Torch"), CMAKE_PREFIX_PATH, the wheel in the project's .deps folder.

file(GLOB LibTorch_WHEELS ${CMAKE_SOURCE_DIR}/.deps/venv/lib/python3*/site-packages/torch)
find_path(LibTorch_INCLUDE_DIR ATen/core/Tensor.h
  HINTS ${Torch_DIR}/../../../include
  PATHS ${LibTorch_WHEELS}
  PATH_SUFFIXES include)
get_filename_component(LibTorch_ROOT "${LibTorch_INCLUDE_DIR}" DIRECTORY)
foreach(name torch_cpu c10)
  find_library(LibTorch_${name} ${name} PATHS ${LibTorch_ROOT}/lib NO_DEFAULT_PATH)
endforeach()

if(LibTorch_INCLUDE_DIR)
  file(READ ${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h LibTorch_version_text)
  foreach(part MAJOR MINOR PATCH)
    string(REGEX MATCH "TORCH_VERSION_${part} ([0-9]+)" _ "${LibTorch_version_text}")
    list(APPEND LibTorch_version_parts ${CMAKE_MATCH_1})
  endforeach()
  list(JOIN LibTorch_version_parts "." LibTorch_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_torch_cpu LibTorch_c10 LibTorch_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "Run .ci/setup to install the LibTorch wheel, or set Torch_DIR.")

if(LibTorch_FOUND AND NOT TARGET lore::torch)
  if(LibTorch_VERSION VERSION_LESS 2.11)
    message(FATAL_ERROR "LibTorch ${LibTorch_VERSION} at ${LibTorch_ROOT} is too old: 2.11 or later is needed.")
  endif()
  file(STRINGS ${LibTorch_ROOT}/share/cmake/Torch/TorchConfig.cmake LibTorch_abi REGEX "_GLIBCXX_USE_CXX11_ABI=0")
  if(LibTorch_abi)
    message(FATAL_ERROR "LibTorch at ${LibTorch_ROOT} uses the old C++ ABI; a build with the new one is needed.")
  endif()

  add_library(lore::torch INTERFACE IMPORTED GLOBAL)
  # After the system's folders: the wheel carries its own copies of fmt and others, which must not win.
  target_compile_options(lore::torch INTERFACE
    "SHELL:-idirafter ${LibTorch_INCLUDE_DIR}" "SHELL:-idirafter ${LibTorch_INCLUDE_DIR}/torch/csrc/api/include")
  # Not libtorch.so: in a CUDA build it needs every CUDA library, which a machine without a GPU lacks.
  target_link_libraries(lore::torch INTERFACE ${LibTorch_torch_cpu} ${LibTorch_c10})
  # libtorch_cuda registers the CUDA kernels from static initialisers, so the linker must keep it.
  if(EXISTS ${LibTorch_ROOT}/lib/libtorch_cuda.so)
    execute_process(COMMAND ldd ${LibTorch_ROOT}/lib/libtorch_cuda.so OUTPUT_VARIABLE LibTorch_cuda_needs)
    if(LibTorch_cuda_needs MATCHES "=> not found")
      message(STATUS "LibTorch is a CUDA build whose CUDA libraries are not installed: device cuda is left out")
    else()
      target_link_libraries(lore::torch INTERFACE
        "-Wl,--no-as-needed,${LibTorch_ROOT}/lib/libtorch_cuda.so,${LibTorch_ROOT}/lib/libc10_cuda.so,--as-needed")
    endif()
  endif()
endif()
mark_as_advanced(LibTorch_INCLUDE_DIR LibTorch_torch_cpu LibTorch_c10)

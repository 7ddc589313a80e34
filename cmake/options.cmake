# Compiler settings shared by every target of ours.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_VERIFY_INTERFACE_HEADER_SETS ON)

set(MLGATE_SANITIZE "" CACHE STRING "Sanitizers for every target, e.g. address,undefined")
option(MLGATE_FUZZ "Have the libFuzzer targets, which replay their corpora in any build" OFF)
option(MLGATE_FUZZ_SEARCH "Instrument all code, so that libFuzzer finds new inputs" OFF)
option(MLGATE_COVERAGE "Instrument for llvm-cov" OFF)
option(MLGATE_PCH "Use the precompiled header" ON)
option(MLGATE_TESTS "Build the tests" ON)
option(MLGATE_BENCH "Build the micro benchmarks" OFF)

find_program(MLGATE_CCACHE ccache)
if(MLGATE_CCACHE)
  # ccache reads a precompiled header only with these tolerances, and clang has to leave time stamps out.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${MLGATE_CCACHE})
endif()

add_library(mlgate_options INTERFACE)
target_include_directories(mlgate_options INTERFACE "${CMAKE_SOURCE_DIR}/src")
target_compile_options(mlgate_options INTERFACE -Wall -Wextra -Wshadow -Wconversion -Werror
                       -fno-omit-frame-pointer -Wno-missing-designated-field-initializers)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(mlgate_options INTERFACE -Xclang -fno-pch-timestamp)
  target_link_options(mlgate_options INTERFACE -fuse-ld=lld)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(mlgate_options INTERFACE -O2 -march=x86-64-v2 -D_FORTIFY_SOURCE=2
                         -fstack-protector-strong)
endif()
if(MLGATE_SANITIZE)
  target_compile_options(mlgate_options INTERFACE -fsanitize=${MLGATE_SANITIZE}
                         -fno-sanitize-recover=all)
  target_link_options(mlgate_options INTERFACE -fsanitize=${MLGATE_SANITIZE})
endif()
if(MLGATE_FUZZ_SEARCH)
  target_compile_options(mlgate_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(MLGATE_COVERAGE)
  target_compile_options(mlgate_options INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(mlgate_options INTERFACE -fprofile-instr-generate)
endif()

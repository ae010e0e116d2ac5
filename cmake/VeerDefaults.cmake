set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
# O2 keeps assertions of our own invariants; never -ffast-math: NaN and Inf
# are findings here.
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
add_compile_options(-Wall -Wextra -Wno-missing-field-initializers)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  # mold 1.10 lets the read-only part begin with a thread's variable before the
  # page that is mapped, whereupon the program does not start.
  add_link_options(-fuse-ld=mold -Wl,-z,norelro)
endif()

# Reading <ATen/core/Tensor.h> is a third of the time of most files. Without a
# compiler cache it is precompiled once for all of them; with one, the cache is
# worth more, and a precompiled header would spoil it (its bytes differ from
# build to build).
if(CCACHE_PROGRAM)
  set(_precompile OFF)
else()
  set(_precompile ON)
endif()
option(VEER_PRECOMPILE "precompile torch's tensor header" ${_precompile})

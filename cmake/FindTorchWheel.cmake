# Finds the libtorch inside a torch wheel without importing torch and without
# the CUDA toolkit that torch's own package file asks for.
#
# Input:  TORCH_DIR (a folder that holds lib/libtorch_cpu.so), or the Python
#         interpreter VEER_PYTHON in whose site-packages torch is installed.
# Output: torchwheel::torchwheel, TORCHWHEEL_DIR, TORCHWHEEL_VERSION,
#         TORCHWHEEL_CUDA (whether it is a CUDA build).
set(TORCH_DIR "" CACHE PATH "folder of the torch package, empty: ask Python")
set(VEER_PYTHON "${CMAKE_SOURCE_DIR}/.venv/bin/python" CACHE FILEPATH
    "Python whose torch is used")

if(TORCH_DIR)
  set(TORCHWHEEL_DIR ${TORCH_DIR})
else()
  execute_process(
    COMMAND ${VEER_PYTHON} -c
      "import importlib.util as u, os; print(os.path.dirname(u.find_spec('torch').origin))"
    OUTPUT_VARIABLE TORCHWHEEL_DIR OUTPUT_STRIP_TRAILING_WHITESPACE
    RESULT_VARIABLE _torchwheel_rc)
  if(NOT _torchwheel_rc EQUAL 0)
    message(FATAL_ERROR "no torch for ${VEER_PYTHON}: run tools/setup.sh, or "
                        "pass -DTORCH_DIR=<folder of an installed torch>")
  endif()
endif()
file(STRINGS ${TORCHWHEEL_DIR}/version.py _v REGEX "^__version__ *=")
string(REGEX REPLACE ".*'([^']+)'.*" "\\1" TORCHWHEEL_VERSION "${_v}")
if(TORCHWHEEL_VERSION VERSION_LESS 2.11)
  message(FATAL_ERROR "torch ${TORCHWHEEL_VERSION} at ${TORCHWHEEL_DIR}; "
                      "Veer needs 2.11 or newer")
endif()
if(EXISTS ${TORCHWHEEL_DIR}/lib/libtorch_cuda.so)
  set(TORCHWHEEL_CUDA ON)
else()
  set(TORCHWHEEL_CUDA OFF)
endif()

# The wheel bundles a newer fmt; the distribution's must be found first.
find_path(TORCHWHEEL_FMT fmt/core.h REQUIRED)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/distro-first)
file(CREATE_LINK ${TORCHWHEEL_FMT}/fmt ${CMAKE_BINARY_DIR}/distro-first/fmt
     SYMBOLIC)

add_library(torchwheel INTERFACE)
add_library(torchwheel::torchwheel ALIAS torchwheel)
function(torchwheel_library name)
  add_library(torchwheel::${name} SHARED IMPORTED GLOBAL)
  set_target_properties(torchwheel::${name} PROPERTIES
    IMPORTED_LOCATION ${TORCHWHEEL_DIR}/lib/lib${name}.so)
endfunction()
foreach(l c10 torch_cpu)
  torchwheel_library(${l})
  target_link_libraries(torchwheel INTERFACE torchwheel::${l})
endforeach()
if(TORCHWHEEL_CUDA)
  # Nothing of ours names a symbol of these, but loading them registers the
  # CUDA kernels.
  torchwheel_library(c10_cuda)
  torchwheel_library(torch_cuda)
  target_link_libraries(torchwheel INTERFACE
    -Wl,--no-as-needed torchwheel::c10_cuda torchwheel::torch_cuda
    -Wl,--as-needed)
endif()
target_link_libraries(torchwheel INTERFACE Threads::Threads)
# at::parallel_for lies in torch's headers and runs on one thread unless they
# are read with OpenMP on. The runtime must be the one that torch loads: a
# second would have threads and settings of its own. Clang's is another one, so
# what Clang builds (the fuzz targets) runs on one thread.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(torchwheel INTERFACE -fopenmp)
  file(GLOB _gomp ${TORCHWHEEL_DIR}/lib/libgomp*.so*)
  if(_gomp)
    list(GET _gomp 0 _gomp)
  else()
    set(_gomp -fopenmp)
  endif()
  target_link_libraries(torchwheel INTERFACE ${_gomp})
endif()
target_include_directories(torchwheel SYSTEM INTERFACE
  ${CMAKE_BINARY_DIR}/distro-first
  ${TORCHWHEEL_DIR}/include ${TORCHWHEEL_DIR}/include/torch/csrc/api/include)
# ATen's own headers then pull in single operators, not all of them.
target_compile_definitions(torchwheel INTERFACE AT_PER_OPERATOR_HEADERS)
target_compile_features(torchwheel INTERFACE cxx_std_20)
message(STATUS "torch ${TORCHWHEEL_VERSION} at ${TORCHWHEEL_DIR} "
               "(CUDA build: ${TORCHWHEEL_CUDA})")
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(TorchWheel
  REQUIRED_VARS TORCHWHEEL_DIR TORCHWHEEL_VERSION
  VERSION_VAR TORCHWHEEL_VERSION)

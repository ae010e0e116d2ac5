# veer_module(<folder> [TORCH] [DEPS folder...] [LIBS library...])
#
# One static library per folder of src/veer. Every .cpp of the folder and of
# those in it belongs to it. Without TORCH no torch header is on the include path, so a parser
# cannot grow a dependency on it and fuzz targets stay small.
function(veer_module name)
  cmake_parse_arguments(M "TORCH" "" "DEPS;LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS
       ${CMAKE_SOURCE_DIR}/src/veer/${name}/*.cpp)
  list(TRANSFORM M_DEPS PREPEND veer_)
  if(sources)
    add_library(veer_${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(veer_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(veer_${name} ${scope} ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(veer_${name} ${scope} ${M_DEPS} ${M_LIBS})
  if(M_TORCH)
    target_link_libraries(veer_${name} ${scope} torchwheel::torchwheel)
    if(sources AND VEER_PRECOMPILE)
      veer_precompile(veer_${name} torch <nlohmann/json.hpp>
        <ATen/core/Tensor.h> <ATen/TensorOperators.h>)
    endif()
  endif()
endfunction()

# veer_precompile(<target> <set> <header>...): the first target of a set owns the
# precompiled headers, the others use them.
# Files still include what they need: a build with a compiler cache has none.
function(veer_precompile target set)
  get_property(owner GLOBAL PROPERTY VEER_PRECOMPILE_OWNER_${set})
  if(owner)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  else()
    set_property(GLOBAL PROPERTY VEER_PRECOMPILE_OWNER_${set} ${target})
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
endfunction()

# veer_tests(<folder> [TORCH]): tests/<folder>/**/*_test.cpp become the program
# <folder>_test, one ctest entry per program (starting libtorch per case
# would cost more than the cases). TORCH: the folder's library has torch's
# headers, or one below it.
function(veer_tests name)
  cmake_parse_arguments(T "TORCH" "" "" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS
       ${CMAKE_SOURCE_DIR}/tests/${name}/*_test.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(${name}_test ${sources})
  target_include_directories(${name}_test PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(${name}_test PRIVATE veer_${name} veer_test_main)
  # A quarter of the time that tests take to compile is the second level's.
  target_compile_options(${name}_test PRIVATE -O1)
  if(VEER_PRECOMPILE AND T_TORCH)
    veer_precompile(${name}_test torch_tests <gmock/gmock.h> <gtest/gtest.h>
      <nlohmann/json.hpp> <ATen/core/Tensor.h> <ATen/TensorOperators.h>)
  elseif(VEER_PRECOMPILE)
    veer_precompile(${name}_test tests <gmock/gmock.h> <gtest/gtest.h>)
  endif()
  add_test(NAME ${name} COMMAND ${name}_test
           WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  # As cli/main.cpp sets it for veer: threads that wait give the core up soon.
  set_tests_properties(${name} PROPERTIES ENVIRONMENT GOMP_SPINCOUNT=5000)
endfunction()

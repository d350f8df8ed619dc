# What nearly every source includes is parsed once. Whoever uses a precompiled header must have the definitions and the
# options that it was made with. To see that no source leans on it: cmake -D CMAKE_DISABLE_PRECOMPILE_HEADERS=ON.
set(SAFELIGHT_COMMON_HEADERS <fmt/format.h> <algorithm> <filesystem> <functional> <map> <memory> <optional> <span> <string>
                             <vector>)
function(safelight_common_headers SOURCE)
  find_package(fmt REQUIRED)
  add_library(safelight_headers OBJECT ${SOURCE})
  target_link_libraries(safelight_headers PRIVATE safelight_flags fmt::fmt)
  target_precompile_headers(safelight_headers PRIVATE ${SAFELIGHT_COMMON_HEADERS})
endfunction()

# safelight_module(NAME SOURCES ... [USES modules...] [WRAPS libraries...])
# One static library per directory of src/. USES are our modules below this one (see docs/architecture.md);
# WRAPS are third-party libraries, which stay private to the module. Modules belong to the SAFELIGHT_PART that is set
# where they are defined; parts are what is installed (see cmake/SafelightInstall.cmake).
function(safelight_module NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;WRAPS" ${ARGN})
  add_library(safelight_${NAME} STATIC ${ARG_SOURCES})
  target_link_libraries(safelight_${NAME} PUBLIC safelight_flags)
  foreach(module IN LISTS ARG_USES)
    target_link_libraries(safelight_${NAME} PUBLIC safelight_${module})
  endforeach()
  target_link_libraries(safelight_${NAME} PRIVATE ${ARG_WRAPS})
  target_precompile_headers(safelight_${NAME} REUSE_FROM safelight_headers)
  set_property(GLOBAL APPEND PROPERTY SAFELIGHT_MODULES_OF_${SAFELIGHT_PART} ${NAME})
endfunction()

# Code that is not worth optimising is compiled in less than half the time: the command line at -O1, and at -O0 where the
# sanitizers multiply it.
function(safelight_compile_fast TARGET)
  if(SAFELIGHT_SANITIZE)
    target_compile_options(${TARGET} PRIVATE -O0)
  elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_options(${TARGET} PRIVATE -O1)
  endif()
endfunction()

# Sources of kernels: vectors of numbers in buffers that their callers have checked. The address sanitizer watches them
# (but what AMX loads and stores, which are instructions of their own); the other would double the minutes they take to compile, and the tests' time.
function(safelight_kernels)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  if(SAFELIGHT_SANITIZE)
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "-O2;-fno-sanitize=undefined")
  endif()
endfunction()

# What all tests include is parsed once, by a program that does nothing else. It has no definitions, because whoever
# uses a precompiled header must have all that it was made with.
function(safelight_test_headers SOURCE)
  add_executable(test_headers ${SOURCE})
  target_link_libraries(test_headers PRIVATE safelight_flags GTest::gmock)
  safelight_test_flags(test_headers)
  target_precompile_headers(test_headers PRIVATE <gmock/gmock.h> <gtest/gtest.h> <filesystem> <fstream>)
endfunction()

# Tests are compiled once and run for a moment. Undefined behaviour is looked for in what is tested, not in them, and so
# are the lines of a fault.
function(safelight_test_flags TARGET)
  target_compile_options(${TARGET} PRIVATE -O0)
  if(SAFELIGHT_SANITIZE)
    target_compile_options(${TARGET} PRIVATE -fno-sanitize=undefined -g0)
  endif()
endfunction()

# safelight_test(NAME SOURCES ... USES modules... [SHARDS n]): one GoogleTest program. Every test in it becomes a ctest, or, where they
# are so many and so short that starting the program would take longer than they do, every n-th part of them.
function(safelight_test NAME)
  cmake_parse_arguments(ARG "" "SHARDS" "SOURCES;USES;WRAPS" ${ARGN})
  add_executable(test_${NAME} ${ARG_SOURCES})
  foreach(module IN LISTS ARG_USES)
    target_link_libraries(test_${NAME} PRIVATE safelight_${module})
  endforeach()
  target_link_libraries(test_${NAME} PRIVATE ${ARG_WRAPS} GTest::gmock GTest::gtest_main)
  target_compile_definitions(test_${NAME} PRIVATE SAFELIGHT_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                                  SAFELIGHT_PROGRAM="${CMAKE_BINARY_DIR}/safelight"
                                                  $<$<BOOL:${SAFELIGHT_SANITIZE}>:SAFELIGHT_SANITIZED>)
  safelight_test_flags(test_${NAME})
  target_precompile_headers(test_${NAME} REUSE_FROM test_headers)
  set_target_properties(test_${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  set(environment "XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/tests/cache;ASAN_OPTIONS=handle_sigill=1")
  if(NOT ARG_SHARDS)
    gtest_discover_tests(test_${NAME} TEST_PREFIX "${NAME}/" DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600
                         ENVIRONMENT "${environment}")
    return()
  endif()
  math(EXPR last "${ARG_SHARDS} - 1")
  foreach(shard RANGE ${last})
    add_test(NAME ${NAME}/${shard} COMMAND test_${NAME} --gtest_brief=1)
    set_tests_properties(${NAME}/${shard} PROPERTIES TIMEOUT 600 ENVIRONMENT
                         "GTEST_TOTAL_SHARDS=${ARG_SHARDS};GTEST_SHARD_INDEX=${shard};${environment}")
  endforeach()
endfunction()

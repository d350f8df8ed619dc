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
  set_property(GLOBAL APPEND PROPERTY SAFELIGHT_MODULES_OF_${SAFELIGHT_PART} ${NAME})
endfunction()

# safelight_test(NAME SOURCES ... USES modules...): one GoogleTest program; every test in it becomes a ctest. The
# headers that all tests include are parsed once, by the first of them.
function(safelight_test NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;WRAPS" ${ARGN})
  add_executable(test_${NAME} ${ARG_SOURCES})
  foreach(module IN LISTS ARG_USES)
    target_link_libraries(test_${NAME} PRIVATE safelight_${module})
  endforeach()
  target_link_libraries(test_${NAME} PRIVATE ${ARG_WRAPS} GTest::gmock GTest::gtest_main)
  target_compile_definitions(test_${NAME} PRIVATE SAFELIGHT_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                                  SAFELIGHT_PROGRAM="${CMAKE_BINARY_DIR}/safelight")
  get_property(first GLOBAL PROPERTY SAFELIGHT_FIRST_TEST)
  if(first)
    target_precompile_headers(test_${NAME} REUSE_FROM ${first})
  else()
    target_precompile_headers(test_${NAME} PRIVATE <gmock/gmock.h> <gtest/gtest.h> <filesystem> <fstream>)
    set_property(GLOBAL PROPERTY SAFELIGHT_FIRST_TEST test_${NAME})
  endif()
  set_target_properties(test_${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  gtest_discover_tests(test_${NAME} TEST_PREFIX "${NAME}/" DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600
                       ENVIRONMENT XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/tests/cache)
endfunction()

# What `cmake --install` puts where, and how others find it; docs/embedding.md is written for them.
#
#   component   CMake target           pkg-config           what
#   tensors     safelight::tensors     safelight-tensors    the tensor part for C++, a static library
#   c           safelight::c           safelight            the same for C, a shared library
#   safelight   safelight::safelight   safelight-pictures   all of the C++ library, Stable Diffusion included
#   program                                                 the program, and the model that is shipped with it
include(CMakePackageConfigHelpers)

set(PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/safelight)
set(PKGCONFIG_DIR ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH PREFIX_FROM_PKGCONFIG /prefix/${PKGCONFIG_DIR} /prefix)

# Every header in include/safelight is public; these belong to the pictures, all others to the tensor part.
set(HEADERS_OF_PICTURES ${PROJECT_SOURCE_DIR}/include/safelight/generate.h ${PROJECT_SOURCE_DIR}/include/safelight/mask.h
  ${PROJECT_SOURCE_DIR}/include/safelight/picture.h ${PROJECT_SOURCE_DIR}/include/safelight/picture_tasks.h)
set(HEADER_OF_C ${PROJECT_SOURCE_DIR}/include/safelight/safelight.h)
file(GLOB HEADERS_OF_TENSORS CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/safelight/*.h)
list(REMOVE_ITEM HEADERS_OF_TENSORS ${HEADERS_OF_PICTURES} ${HEADER_OF_C})

# The third-party libraries a static library can need: how the modules link them, what find_package takes (nothing where
# there is no package), and the name in pkg-config.
set(THIRD_PARTY
  "fmt::fmt|fmt|fmt"
  "Freetype::Freetype|Freetype|freetype2"
  "hwy::hwy|hwy|libhwy"
  "JPEG::JPEG|JPEG|libjpeg"
  "OpenSSL::Crypto|OpenSSL COMPONENTS Crypto|libcrypto"
  "PNG::PNG|PNG|libpng"
  "re2||re2"
  "simdjson::simdjson|simdjson|simdjson"
  "Threads::Threads|Threads|"
  "utf8proc||libutf8proc"
  "webp||libwebp"
  "webpdemux||libwebpdemux"
  "webpmux||libwebpmux"
  "yaml||yaml-0.1"
  "ZLIB::ZLIB|ZLIB|zlib")

# What the modules link that is not ours, by the names of THIRD_PARTY.
function(safelight_third_party OUT MODULES)
  set(found)
  foreach(module IN LISTS MODULES)
    get_target_property(linked safelight_${module} LINK_LIBRARIES)
    foreach(library IN LISTS linked)
      if(IS_ABSOLUTE "${library}")
        get_filename_component(library ${library} NAME_WE)
        string(REGEX REPLACE "^lib" "" library ${library})
      endif()
      if(NOT library MATCHES "^safelight_")
        list(APPEND found ${library})
      endif()
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES found)
  set(${OUT} ${found} PARENT_SCOPE)
endfunction()

# One static library of all modules of a part, its CMake target, its pkg-config file, and in DEPENDENCIES_OF_<component>
# what its users have to find.
function(safelight_install_part PART)
  cmake_parse_arguments(ARG "" "COMPONENT;DESCRIPTION;PKGCONFIG;REQUIRES" "HEADERS;USES" ${ARGN})
  get_property(modules GLOBAL PROPERTY SAFELIGHT_MODULES_OF_${PART})
  safelight_third_party(libraries "${modules}")
  set(dependencies)
  set(requires ${ARG_REQUIRES})
  foreach(library IN LISTS libraries)
    set(row ${THIRD_PARTY})
    list(FILTER row INCLUDE REGEX "^${library}\\|")
    if(NOT row)
      message(FATAL_ERROR "cmake/SafelightInstall.cmake: ${library} is not in THIRD_PARTY")
    endif()
    string(REPLACE "|" ";" row ${row})
    list(GET row 1 package)
    list(GET row 2 pkgconfig_name)
    if(package)
      separate_arguments(package_words UNIX_COMMAND "${package}")
      find_package(${package_words} REQUIRED)
      string(APPEND dependencies "  find_dependency(${package})\n")
    endif()
    list(APPEND requires ${pkgconfig_name})
  endforeach()
  list(JOIN requires " " requires)
  set(DEPENDENCIES_OF_${ARG_COMPONENT} "${dependencies}" PARENT_SCOPE)

  set(objects ${modules})
  list(TRANSFORM objects REPLACE "(.+)" "$<TARGET_OBJECTS:safelight_\\1>")
  add_library(safelight_${PART} STATIC ${objects})
  target_link_libraries(safelight_${PART} PUBLIC ${ARG_USES} PRIVATE ${libraries})
  target_include_directories(safelight_${PART} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                                         $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(safelight_${PART} INTERFACE cxx_std_20)
  set_target_properties(safelight_${PART} PROPERTIES LINKER_LANGUAGE CXX EXPORT_NAME ${ARG_COMPONENT})
  safelight_install_target(safelight_${PART} COMPONENT ${ARG_COMPONENT} HEADERS ${ARG_HEADERS}
    PKGCONFIG ${ARG_PKGCONFIG} DESCRIPTION "${ARG_DESCRIPTION}" REQUIRES "${requires}" LIBRARY safelight_${PART}
    LIBRARIES "-pthread")
endfunction()

# A library and all that goes with it, as one component that works without the others.
function(safelight_install_target TARGET)
  cmake_parse_arguments(ARG "" "COMPONENT;PKGCONFIG;DESCRIPTION;REQUIRES;LIBRARY;LIBRARIES" "HEADERS" ${ARGN})
  install(TARGETS ${TARGET} EXPORT safelight-${ARG_COMPONENT} COMPONENT ${ARG_COMPONENT}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(FILES ${ARG_HEADERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/safelight COMPONENT ${ARG_COMPONENT})
  install(EXPORT safelight-${ARG_COMPONENT} NAMESPACE safelight:: DESTINATION ${PACKAGE_DIR}
    COMPONENT ${ARG_COMPONENT})
  configure_file(${PROJECT_SOURCE_DIR}/cmake/pkgconfig.pc.in ${PROJECT_BINARY_DIR}/install/${ARG_PKGCONFIG}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/install/${ARG_PKGCONFIG}.pc DESTINATION ${PKGCONFIG_DIR}
    COMPONENT ${ARG_COMPONENT})
  install(FILES ${PROJECT_BINARY_DIR}/install/safelight-config.cmake
    ${PROJECT_BINARY_DIR}/install/safelight-config-version.cmake DESTINATION ${PACKAGE_DIR}
    COMPONENT ${ARG_COMPONENT})
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT ${ARG_COMPONENT})
endfunction()

safelight_install_part(tensors COMPONENT tensors HEADERS ${HEADERS_OF_TENSORS} PKGCONFIG safelight-tensors
  DESCRIPTION "SafeTensors files for C++: open, check, slice, convert, write")
safelight_install_target(safelight_c COMPONENT c HEADERS ${HEADER_OF_C} PKGCONFIG safelight LIBRARY safelight
  DESCRIPTION "SafeTensors files for C: open, check, slice, write")
if(NOT SAFELIGHT_TENSORS_ONLY)
  safelight_install_part(pictures COMPONENT safelight HEADERS ${HEADERS_OF_PICTURES} PKGCONFIG safelight-pictures
    USES safelight_tensors REQUIRES safelight-tensors DESCRIPTION "Pictures from Stable Diffusion models, for C++")
  install(TARGETS safelight RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/safelight/models
    COMPONENT program FILES_MATCHING PATTERN *.safetensors PATTERN *.md)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
endif()

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/safelight-config.cmake.in
  ${PROJECT_BINARY_DIR}/install/safelight-config.cmake INSTALL_DESTINATION ${PACKAGE_DIR})
# Before version 1 a minor version may change the C++ interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/install/safelight-config-version.cmake
  COMPATIBILITY SameMinorVersion)

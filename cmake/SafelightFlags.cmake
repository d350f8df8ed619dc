# Compiler flags shared by every target, on the interface target `safelight_flags`.
add_library(safelight_flags INTERFACE)
target_compile_features(safelight_flags INTERFACE cxx_std_20)
target_compile_options(safelight_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Werror -fno-math-errno)
# A product and a sum are rounded as one where the code says so, nowhere else: else bits would depend on the compiler, and
# on what it inlines where.
target_compile_options(safelight_flags INTERFACE -ffp-contract=off)
# GCC 12 sees overlapping and endless copies in inlined insertions into a std::string (its bug 105651 and its like).
target_compile_options(safelight_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-stringop-overflow;-Wno-array-bounds>)
target_compile_options(safelight_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>
                                                 "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")  # for ccache
target_include_directories(safelight_flags INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)

# Undefined behaviour ends in an illegal instruction, whose place the address sanitizer then tells: messages of its own
# would double the time that the compiler takes.
if(SAFELIGHT_SANITIZE)
  target_compile_options(safelight_flags INTERFACE -fsanitize=address,undefined -fsanitize-undefined-trap-on-error -fno-omit-frame-pointer)
  target_link_options(safelight_flags INTERFACE -fsanitize=address,undefined)
endif()
if(SAFELIGHT_FUZZ)
  target_compile_options(safelight_flags INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  target_link_options(safelight_flags INTERFACE -fsanitize=address,undefined)
endif()

# CLIP's tokenizer: a module of its own, for it needs neither tensors nor ops
include(${PROJECT_SOURCE_DIR}/cmake/ClipVocabulary.cmake)
safelight_clip_vocabulary(merges_source)
find_path(UTF8PROC_INCLUDE_DIR utf8proc.h REQUIRED)
find_library(UTF8PROC_LIBRARY utf8proc REQUIRED)
safelight_module(tokenizer SOURCES byte_pair_encoding.cpp prompt_words.cpp tokenizer.cpp ${merges_source}
                 USES core WRAPS ${UTF8PROC_LIBRARY})
target_include_directories(safelight_tokenizer PRIVATE ${UTF8PROC_INCLUDE_DIR})

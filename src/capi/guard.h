// The border of the C interface: no exception crosses it, each becomes a status and a message.
#pragma once

#include <string_view>

#include "core/fail.h"
#include "safelight/safelight.h"

namespace safelight::capi {

// Keep in `error`, which may be null, how a call went.
void record_success(safelight_error* error) noexcept;
safelight_status record_exception(safelight_error* error) noexcept;  // REQUIRES: called from a handler

// Runs the body of a function of the interface.
template <class Body>
safelight_status guarded(safelight_error* error, Body&& body) noexcept {
  try {
    body();
  } catch (...) {
    return record_exception(error);
  }
  record_success(error);
  return SAFELIGHT_OK;
}

// An argument that must not be null.
template <class T>
T& required(T* argument, std::string_view what) {
  if (!argument) fail(ErrorCategory::usage, "[safelight.h] expected {}, found NULL", what);
  return *argument;
}

// The same for text.
inline const char* required_text(const char* argument, std::string_view what) { return &required(argument, what); }

// What `make` returns, or null if there is no memory for it.
template <class T>
T* new_or_null() noexcept {
  try {
    return new T;
  } catch (...) {
    return nullptr;
  }
}

// A text, and its length if it is asked for.
inline const char* text(std::string_view text, std::size_t* bytes) noexcept {
  if (bytes) *bytes = text.size();
  return text.data();
}

}  // namespace safelight::capi

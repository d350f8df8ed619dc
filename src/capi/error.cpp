#include <exception>
#include <new>
#include <string>

#include "capi/guard.h"

// `text` is the message, or a constant where there was no memory to keep one.
struct safelight_error {
  safelight_status status = SAFELIGHT_OK;
  std::string message;
  const char* text = "";
};

namespace safelight::capi {
namespace {

safelight_status status_of(ErrorCategory category) noexcept { return exit_code(category); }

static_assert(SAFELIGHT_OK == 0);

void record(safelight_error* error, safelight_status status, const char* message) noexcept {
  if (!error) return;
  error->status = status;
  try {
    error->message = message;
    error->text = error->message.c_str();
  } catch (...) {
    error->text = "out of memory";
  }
}

}  // namespace

void record_success(safelight_error* error) noexcept {
  if (!error) return;
  error->status = SAFELIGHT_OK;
  error->text = "";
}

safelight_status record_exception(safelight_error* error) noexcept {
  safelight_status status = SAFELIGHT_INTERNAL;
  try {
    throw;
  } catch (const Error& e) {
    record(error, status = status_of(e.category()), e.what());
  } catch (const std::bad_alloc&) {
    record(error, status = SAFELIGHT_LIMIT, "out of memory");
  } catch (const std::exception& e) {
    record(error, status, e.what());
  } catch (...) {
    record(error, status, "an exception of an unknown type");
  }
  return status;
}

}  // namespace safelight::capi

using namespace safelight::capi;

uint32_t safelight_abi_version() { return SAFELIGHT_ABI_VERSION; }
const char* safelight_version() { return SAFELIGHT_VERSION; }

safelight_error* safelight_error_new() { return new_or_null<safelight_error>(); }
void safelight_error_free(safelight_error* error) { delete error; }
safelight_status safelight_error_status(const safelight_error* error) { return error ? error->status : SAFELIGHT_OK; }
const char* safelight_error_message(const safelight_error* error) { return error ? error->text : ""; }

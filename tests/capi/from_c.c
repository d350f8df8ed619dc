/* That safelight.h is C99: this file is compiled with -std=c99 -pedantic -Werror, and the functions are called. */
#include "safelight/safelight.h"

#include <string.h>

/* Writes a file at `path` with the U8 tensor "t" = {1, 2, 3}, opens it and returns the sum of what it finds there; or the
 * status of the call that failed, as a negative number. */
int sum_from_c(const char* path);

int sum_from_c(const char* path) {
  const uint64_t shape[1] = {3};
  const unsigned char values[3] = {1, 2, 3};
  const void* data = NULL;
  const unsigned char* bytes;
  int sum;
  safelight_file* file = NULL;
  safelight_error* error = safelight_error_new();
  safelight_writer* writer = safelight_writer_new();
  safelight_status status = safelight_writer_declare(writer, "t", SAFELIGHT_U8, shape, 1, error);
  if (status == SAFELIGHT_OK) status = safelight_writer_open(writer, path, error);
  if (status == SAFELIGHT_OK) status = safelight_writer_write(writer, "t", 0, values, sizeof values, error);
  if (status == SAFELIGHT_OK) status = safelight_writer_finish(writer, error);
  safelight_writer_free(writer);
  if (status == SAFELIGHT_OK) status = safelight_open(path, NULL, &file, error);
  if (status == SAFELIGHT_OK) status = safelight_view(file, safelight_tensor_find(file, "t"), &data, error);
  safelight_error_free(error);
  if (status != SAFELIGHT_OK) return -(int)status;
  bytes = data;
  sum = bytes[0] + bytes[1] + bytes[2];
  safelight_close(file);
  return sum;
}

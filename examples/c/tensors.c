/* Safelight from C: writes a file, lists it, takes a slice, and shows an error. tensors [FILE.safetensors] */
#include <inttypes.h>
#include <safelight/safelight.h>
#include <stdio.h>
#include <stdlib.h>

static safelight_error* error;

/* Ends the program if a call failed. */
static void must(safelight_status status) {
  if (status == SAFELIGHT_OK) return;
  fprintf(stderr, "tensors: %s\n", safelight_error_message(error));
  exit((int)status);
}

static void write_file(const char* path) {
  const uint64_t shape[] = {3, 4};
  float values[12];
  safelight_writer* writer = safelight_writer_new();
  int i;
  for (i = 0; i < 12; ++i) values[i] = (float)i;
  must(safelight_writer_declare(writer, "weight", SAFELIGHT_F32, shape, 2, error));
  must(safelight_writer_declare(writer, "bias", SAFELIGHT_F32, shape, 1, error));
  must(safelight_writer_set_metadata(writer, "made by", "examples/c", error));
  must(safelight_writer_open(writer, path, error));
  must(safelight_writer_write(writer, "bias", 0, values, 3 * sizeof *values, error)); /* in any order, ... */
  must(safelight_writer_write(writer, "weight", 16, values + 4, 32, error));          /* ... in pieces */
  must(safelight_writer_write(writer, "weight", 0, values, 16, error));
  must(safelight_writer_finish(writer, error));
  safelight_writer_free(writer);
}

static void list(const safelight_file* file) {
  size_t i, axis;
  for (i = 0; i < safelight_metadata_count(file); ++i)
    printf("%s: %s\n", safelight_metadata_key_at(file, i, NULL), safelight_metadata_value_at(file, i, NULL));
  for (i = 0; i < safelight_tensor_count(file); ++i) {
    const safelight_tensor* tensor = safelight_tensor_at(file, i);
    printf("%s %s [", safelight_tensor_name(tensor, NULL), safelight_dtype_name(safelight_tensor_dtype(tensor)));
    for (axis = 0; axis < safelight_tensor_rank(tensor); ++axis)
      printf("%s%" PRIu64, axis ? ", " : "", safelight_tensor_shape(tensor)[axis]);
    printf("] %" PRIu64 " bytes\n", safelight_tensor_bytes(tensor));
  }
}

static void slice(const safelight_file* file) {
  safelight_array* array = NULL;
  const float* values;
  uint64_t i;
  must(safelight_slice(file, safelight_tensor_find(file, "weight"), "::-2, 1", &array, error));
  values = safelight_array_data(array);
  printf("weight[::-2, 1] =");
  for (i = 0; i < safelight_array_bytes(array) / sizeof *values; ++i) printf(" %g", values[i]);
  printf("\n");
  safelight_array_free(array);
}

int main(int argc, char** argv) {
  const char* path = argc > 1 ? argv[1] : "example.safetensors";
  safelight_file* file = NULL;
  safelight_array* array = NULL;
  if (safelight_abi_version() != SAFELIGHT_ABI_VERSION) {
    fprintf(stderr, "tensors: compiled for version %d of the interface, linked with %u\n", SAFELIGHT_ABI_VERSION,
            (unsigned)safelight_abi_version());
    return 1;
  }
  error = safelight_error_new();
  write_file(path);
  must(safelight_open(path, NULL, &file, error));
  list(file);
  slice(file);
  if (safelight_slice(file, safelight_tensor_at(file, 0), "99", &array, error) != SAFELIGHT_OK)
    printf("an error: %s\n", safelight_error_message(error));
  safelight_close(file);
  safelight_error_free(error);
  return 0;
}

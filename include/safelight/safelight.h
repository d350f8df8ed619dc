/* Safelight's C interface: open, list, view, read, slice, check and write SafeTensors files. C99 and C++.
 *
 *   safelight_error* error = safelight_error_new();
 *   safelight_file* file = NULL;
 *   if (safelight_open("model.safetensors", NULL, &file, error) != SAFELIGHT_OK)
 *     fprintf(stderr, "%s\n", safelight_error_message(error));
 *   ...
 *   safelight_close(file);
 *   safelight_error_free(error);
 *
 * Stable: what is here keeps its meaning and its binary form as long as SAFELIGHT_ABI_VERSION is the same, which is
 * also the number in the shared library's name (libsafelight.so.1); a later version only adds. Objects are opaque, and
 * no structure crosses the interface.
 *
 * Errors. A function that can fail returns SAFELIGHT_OK or the kind of failure, and takes an error object as its last
 * argument, which then says in one line what was expected, what was found, and where. The error object may be NULL. On
 * failure, results are left as they were. No C++ exception leaves the library; running out of memory is
 * SAFELIGHT_LIMIT.
 *
 * Ownership. What a function puts into a pointer to a pointer is the caller's, who gives it back to the function that
 * ends in _free (or safelight_close); these accept NULL. What a function returns belongs to the object it was asked of
 * and lives as long. Arguments are copied, unless it says otherwise.
 *
 * Threads. Functions that take a pointer to a const object may be called for one object from several threads at once.
 * Others may not, except where it says so. Every thread uses an error object of its own.
 *
 * Text is UTF-8 and ends with a NUL. Names and metadata may have a NUL inside as well: `bytes`, where there is such an
 * argument and it is not NULL, receives the length without the last NUL. Paths are what the system takes.
 */
#ifndef SAFELIGHT_SAFELIGHT_H
#define SAFELIGHT_SAFELIGHT_H

#include <stddef.h>
#include <stdint.h>

#define SAFELIGHT_ABI_VERSION 1

#if defined(__GNUC__)
#define SAFELIGHT_API __attribute__((visibility("default")))
#else
#define SAFELIGHT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Versions ---------------------------------------------------------------------------------------------------- */

/* The SAFELIGHT_ABI_VERSION that the library was built with; a program compares it with its own. */
SAFELIGHT_API uint32_t safelight_abi_version(void);

/* The release, such as "0.1.0". */
SAFELIGHT_API const char* safelight_version(void);

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

/* The kind of a failure: the numbers that the program `safelight` exits with, too. */
typedef int32_t safelight_status;
enum {
  SAFELIGHT_OK = 0,
  SAFELIGHT_USAGE = 2,      /* an argument is not acceptable: NULL, an unknown name, a slice out of range */
  SAFELIGHT_IO = 3,         /* the operating system refused: missing, unreadable, unwritable, disk full */
  SAFELIGHT_FORMAT = 4,     /* the bytes of a file are not what the format demands */
  SAFELIGHT_MODEL = 5,      /* a sound file, but not what is needed */
  SAFELIGHT_LIMIT = 6,      /* it would need more memory, or be larger, than there is or than is allowed */
  SAFELIGHT_INTERNAL = 70,  /* a fault of the library */
  SAFELIGHT_CANCELLED = 130 /* the call was cancelled */
};

typedef struct safelight_error safelight_error;

/* NULL if there is no memory for it, which every function accepts. */
SAFELIGHT_API safelight_error* safelight_error_new(void);
SAFELIGHT_API void safelight_error_free(safelight_error* error);

/* Of the last call that was given this object: SAFELIGHT_OK and "" after a success, and for NULL. The text lives until
 * the object is used again. */
SAFELIGHT_API safelight_status safelight_error_status(const safelight_error* error);
SAFELIGHT_API const char* safelight_error_message(const safelight_error* error);

/* ---- Types of elements ------------------------------------------------------------------------------------------- */

typedef int32_t safelight_dtype;
enum {
  SAFELIGHT_BOOL = 0,
  SAFELIGHT_F4 = 1,
  SAFELIGHT_F6_E2M3 = 2,
  SAFELIGHT_F6_E3M2 = 3,
  SAFELIGHT_U8 = 4,
  SAFELIGHT_I8 = 5,
  SAFELIGHT_F8_E5M2 = 6,
  SAFELIGHT_F8_E4M3 = 7,
  SAFELIGHT_F8_E8M0 = 8,
  SAFELIGHT_F8_E4M3FNUZ = 9,
  SAFELIGHT_F8_E5M2FNUZ = 10,
  SAFELIGHT_I16 = 11,
  SAFELIGHT_U16 = 12,
  SAFELIGHT_F16 = 13,
  SAFELIGHT_BF16 = 14,
  SAFELIGHT_I32 = 15,
  SAFELIGHT_U32 = 16,
  SAFELIGHT_F32 = 17,
  SAFELIGHT_C64 = 18,
  SAFELIGHT_F64 = 19,
  SAFELIGHT_I64 = 20,
  SAFELIGHT_U64 = 21
};

/* As written in a file, such as "BF16"; NULL for a number that is no type. */
SAFELIGHT_API const char* safelight_dtype_name(safelight_dtype dtype);

/* Bits of one element (4 and 6 for the packed types); 0 for a number that is no type. */
SAFELIGHT_API uint32_t safelight_dtype_bits(safelight_dtype dtype);

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

/* How to open a file. Without (NULL): strictly by the specification, and without limits but the format's. */
typedef struct safelight_options safelight_options;

SAFELIGHT_API safelight_options* safelight_options_new(void); /* NULL if there is no memory for it */
SAFELIGHT_API void safelight_options_free(safelight_options* options);

/* Not 0: accept exactly what the reference implementation accepts, its accidents included. */
SAFELIGHT_API void safelight_options_set_compat(safelight_options* options, int compat);

/* The most that a file of a stranger may ask for; beyond it, opening gives SAFELIGHT_LIMIT before it allocates. */
typedef int32_t safelight_limit;
enum {
  SAFELIGHT_LIMIT_HEADER_BYTES = 0,
  SAFELIGHT_LIMIT_TENSORS = 1,
  SAFELIGHT_LIMIT_RANK = 2,        /* dimensions of one tensor */
  SAFELIGHT_LIMIT_NAME_BYTES = 3,  /* of one tensor's name */
  SAFELIGHT_LIMIT_DATA_BYTES = 4,  /* of all tensors */
  SAFELIGHT_LIMIT_MEMORY_BYTES = 5 /* that opening allocates */
};
SAFELIGHT_API safelight_status safelight_options_set_limit(safelight_options* options, safelight_limit limit,
                                                           uint64_t value, safelight_error* error);

/* A file that is open and validated completely: nothing in it is outside the file or overlaps. */
typedef struct safelight_file safelight_file;

/* Maps the file. SAFELIGHT_IO if it cannot be read, SAFELIGHT_FORMAT naming the rule that it breaks. */
SAFELIGHT_API safelight_status safelight_open(const char* path, const safelight_options* options, safelight_file** file,
                                              safelight_error* error);

/* The same for a file in memory, which is not copied and must outlive the object. */
SAFELIGHT_API safelight_status safelight_open_memory(const void* data, size_t bytes, const safelight_options* options,
                                                     safelight_file** file, safelight_error* error);

/* Ends everything that was returned of this file, views included; arrays of safelight_slice live on. */
SAFELIGHT_API void safelight_close(safelight_file* file);

SAFELIGHT_API uint64_t safelight_file_bytes(const safelight_file* file);
SAFELIGHT_API uint64_t safelight_header_bytes(const safelight_file* file);

/* ---- What is in it ----------------------------------------------------------------------------------------------- */

/* A tensor as the file describes it; lives as long as the file is open. */
typedef struct safelight_tensor safelight_tensor;

/* In the order of their bytes in the file. NULL for an index out of range, or a name that is not there. */
SAFELIGHT_API size_t safelight_tensor_count(const safelight_file* file);
SAFELIGHT_API const safelight_tensor* safelight_tensor_at(const safelight_file* file, size_t index);
SAFELIGHT_API const safelight_tensor* safelight_tensor_find(const safelight_file* file, const char* name);

SAFELIGHT_API const char* safelight_tensor_name(const safelight_tensor* tensor, size_t* bytes);
SAFELIGHT_API safelight_dtype safelight_tensor_dtype(const safelight_tensor* tensor);
SAFELIGHT_API size_t safelight_tensor_rank(const safelight_tensor* tensor);
SAFELIGHT_API const uint64_t* safelight_tensor_shape(const safelight_tensor* tensor); /* rank sizes, outermost first */
SAFELIGHT_API uint64_t safelight_tensor_bytes(const safelight_tensor* tensor);

/* Where the tensor's bytes begin, from the first byte of the file. */
SAFELIGHT_API uint64_t safelight_tensor_offset(const safelight_file* file, const safelight_tensor* tensor);

/* The file's metadata, sorted by key. NULL for an index out of range, or a key that is not there. */
SAFELIGHT_API size_t safelight_metadata_count(const safelight_file* file);
SAFELIGHT_API const char* safelight_metadata_key_at(const safelight_file* file, size_t index, size_t* bytes);
SAFELIGHT_API const char* safelight_metadata_value_at(const safelight_file* file, size_t index, size_t* bytes);
SAFELIGHT_API const char* safelight_metadata_find(const safelight_file* file, const char* key, size_t* bytes);

/* ---- Values ------------------------------------------------------------------------------------------------------ */

/* REQUIRES, here and below: `tensor` is of `file`. */

/* All bytes of a tensor where they are: in the mapped file, little-endian, row-major, read-only, possibly unaligned.
 * They live until safelight_close. If another process shortens the file meanwhile, touching bytes that it lost ends the
 * process with SIGBUS, as with every mapping; safelight_read and safelight_slice give SAFELIGHT_IO instead. */
SAFELIGHT_API safelight_status safelight_view(const safelight_file* file, const safelight_tensor* tensor,
                                              const void** data, safelight_error* error);

/* Copies `bytes` bytes, from `offset` bytes after the tensor's begin, to memory of the caller's. */
SAFELIGHT_API safelight_status safelight_read(const safelight_file* file, const safelight_tensor* tensor,
                                              uint64_t offset, void* to, size_t bytes, safelight_error* error);

/* Values of their own, independent of any file: contiguous, little-endian, row-major, aligned to 64 bytes. */
typedef struct safelight_array safelight_array;

/* A part of a tensor, chosen as NumPy does between the brackets: "0:10, ::2", "..., -1", "::-1", "" for all of it.
 * Reads only the bytes that it needs. SAFELIGHT_USAGE for a text that is no such choice, an integer out of range, or a
 * choice that does not begin and end at whole bytes of a packed type. */
SAFELIGHT_API safelight_status safelight_slice(const safelight_file* file, const safelight_tensor* tensor,
                                               const char* slice, safelight_array** array, safelight_error* error);
SAFELIGHT_API void safelight_array_free(safelight_array* array);

SAFELIGHT_API safelight_dtype safelight_array_dtype(const safelight_array* array);
SAFELIGHT_API size_t safelight_array_rank(const safelight_array* array);
SAFELIGHT_API const uint64_t* safelight_array_shape(const safelight_array* array);
SAFELIGHT_API const void* safelight_array_data(const safelight_array* array);
SAFELIGHT_API uint64_t safelight_array_bytes(const safelight_array* array);

/* ---- Checking ---------------------------------------------------------------------------------------------------- */

/* The verdict on a file. */
typedef struct safelight_verdict safelight_verdict;

/* A file that is not valid, or cannot be read, is an answer and no failure. */
SAFELIGHT_API safelight_status safelight_check(const char* path, const safelight_options* options,
                                               safelight_verdict** verdict, safelight_error* error);
SAFELIGHT_API void safelight_verdict_free(safelight_verdict* verdict);

SAFELIGHT_API int safelight_verdict_valid(const safelight_verdict* verdict); /* 1 or 0 */

/* "ok", or the name of the rule that is broken, such as "header-too-large"; and one line on it, "" if it is valid. */
SAFELIGHT_API const char* safelight_verdict_rule(const safelight_verdict* verdict);
SAFELIGHT_API const char* safelight_verdict_detail(const safelight_verdict* verdict);

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

/* Writes a file that may be larger than memory: declare all tensors, open, write their bytes in any order and in pieces
 * of any size, finish. Nothing is visible before safelight_writer_finish; a writer that is freed without it leaves the
 * file that was there before, and nothing else. */
typedef struct safelight_writer safelight_writer;

SAFELIGHT_API safelight_writer* safelight_writer_new(void); /* NULL if there is no memory for it */
SAFELIGHT_API void safelight_writer_free(safelight_writer* writer);

/* Before safelight_writer_open. `shape` has `rank` sizes and may be NULL if rank is 0. */
SAFELIGHT_API safelight_status safelight_writer_declare(safelight_writer* writer, const char* name,
                                                        safelight_dtype dtype, const uint64_t* shape, size_t rank,
                                                        safelight_error* error);
SAFELIGHT_API safelight_status safelight_writer_set_metadata(safelight_writer* writer, const char* key,
                                                             const char* value, safelight_error* error);

/* Tensors' bytes begin at a multiple of this in the file: a power of two from 8 (the default) to 1048576. */
SAFELIGHT_API safelight_status safelight_writer_set_alignment(safelight_writer* writer, uint64_t alignment,
                                                              safelight_error* error);

/* 0: do not flush to the disk, so that a power loss soon after may lose the file. The default is 1. */
SAFELIGHT_API safelight_status safelight_writer_set_durable(safelight_writer* writer, int durable,
                                                            safelight_error* error);

/* SAFELIGHT_USAGE for what the format cannot hold (a name twice, "__metadata__" as a name, text that is not UTF-8),
 * SAFELIGHT_IO if the file cannot be written there or the disk has no room for it. */
SAFELIGHT_API safelight_status safelight_writer_open(safelight_writer* writer, const char* path,
                                                     safelight_error* error);

/* Puts bytes into a tensor, from `offset` bytes after its begin. Every byte is written exactly once. May be called from
 * several threads at once. */
SAFELIGHT_API safelight_status safelight_writer_write(safelight_writer* writer, const char* name, uint64_t offset,
                                                      const void* data, size_t bytes, safelight_error* error);

/* Makes the file visible, in the place of one that was there. SAFELIGHT_USAGE if a byte was not written. */
SAFELIGHT_API safelight_status safelight_writer_finish(safelight_writer* writer, safelight_error* error);

#ifdef __cplusplus
}
#endif

#endif /* SAFELIGHT_SAFELIGHT_H */

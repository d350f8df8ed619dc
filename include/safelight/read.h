// Reading whole tensors into memory of one's own, rather than borrowing them from the mapped file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "safelight/context.h"
#include "safelight/safetensors.h"

namespace safelight {

enum class ReadStrategy {
  automatic,  // one of the others, by looking at the file: see ReadReport::reason
  map,        // copied from the mapping; best for scattered bytes that are in the page cache
  parallel,   // pread() on several threads; best for all that is in the page cache, or on a network
  direct,  // past the page cache (O_DIRECT), many reads under way (io_uring, else threads); best for cold local disks
};

std::string_view name(ReadStrategy strategy) noexcept;

struct ReadOptions {
  ReadStrategy strategy = ReadStrategy::automatic;
  std::uint64_t block_bytes = std::uint64_t{4} << 20;    // that one job reads, about; at least 4096
  std::uint64_t buffer_bytes = std::uint64_t{64} << 20;  // for reads that do not go to their place at once, about
  std::uint64_t max_gap = 4096;                          // bytes between two wanted ones that are read along
};

// What was done. `bytes` were asked for; `bytes_read` came from the file, in `reads` jobs.
struct ReadReport {
  ReadStrategy strategy = ReadStrategy::automatic;  // the one that was used
  bool io_uring = false;
  std::string reason;  // of the choice, for people: "87% of it is in the page cache"
  std::uint64_t bytes = 0, bytes_read = 0, reads = 0;
};

// Everything below reads in the order of the file, with at most about buffer_bytes of memory besides the result, from
// Context::threads threads, with progress ("read", in bytes) and cancellation. A file that was shortened, or whose disk
// fails, gives Error(io) that names file and offset, never SIGBUS; the results are then undefined.

// One tensor and the memory it goes to. REQUIRES: `to` has tensor->bytes() bytes; targets do not overlap.
struct ReadTarget {
  const TensorInfo* tensor;
  std::span<std::byte> to;
};
ReadReport read_into(const SafeTensors& file, std::span<const ReadTarget> targets, const ReadOptions& options = {},
                     const Context& context = {});

// All tensors in new memory, in the order of file.tensors(); or those with these names, in their order.
// Throws Error(model) if there is no tensor of a name, Error(limit) if the memory is not to be had.
// Tensors below 32 MiB share blocks of about that size with their neighbours in the file: such a block is given back
// when all tensors in it are gone.
std::vector<Tensor> read_tensors(const SafeTensors& file, const ReadOptions& options = {}, const Context& context = {},
                                 ReadReport* report = nullptr);
std::vector<Tensor> read_tensors(const SafeTensors& file, std::span<const std::string> names,
                                 const ReadOptions& options = {}, const Context& context = {},
                                 ReadReport* report = nullptr);

}  // namespace safelight

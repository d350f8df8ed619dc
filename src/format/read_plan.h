// From many selections of one file to jobs, each one read: in the order of the offsets, near bytes together, nothing
// listed that need not be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "tensor/strided_copy.h"

namespace safelight {

// Bytes of the file and where they go.
struct ReadRequest {
  std::uint64_t offset = 0;  // in the file, of what the copy counts from
  StridedCopy copy;
  std::byte* to = nullptr;

  std::uint64_t first() const noexcept { return offset + copy.row.from; }
};

// A part of a request: `row.from` is an offset in the file.
struct ReadPiece {
  StridedRow row;
  std::byte* to = nullptr;
};

// The bytes [offset, offset + bytes) of the file are read, and its pieces copied from them.
struct ReadJob {
  std::uint64_t offset = 0, bytes = 0;
  std::vector<ReadPiece> pieces;
  bool dense = true;  // the pieces are contiguous, and follow each other without gap or overlap

  std::uint64_t end() const noexcept { return offset + bytes; }
};

// Rows of longer runs are taken apart, so that a job can end inside a run.
inline constexpr std::uint64_t kLongestRunInRow = 4096;

struct ReadGrain {
  std::uint64_t block_bytes;  // jobs end where a multiple of this is reached, or at most kLongestRunInRow later
  std::uint64_t max_gap;      // bytes between two pieces of a job
};

class ReadPlanner {
 public:
  // The requests must outlive the planner. Empty ones do no harm.
  ReadPlanner(std::span<const ReadRequest> requests, const ReadGrain& grain);

  // The next job, or false at the end. For one thread at a time.
  bool next(ReadJob& job);

 private:
  // A request that has been begun.
  struct Stream {
    StridedWalk walk;
    std::uint64_t offset;
    StridedRow apart{.count = 0};  // what is left of a row that is taken apart
    ReadPiece piece;               // what is left of the row, or run, that is next

    std::uint64_t place() const noexcept { return piece.row.from; }
    bool used_up() const noexcept { return piece.row.bytes == 0 || piece.row.count == 0; }
  };

  static bool advance(Stream& stream);
  void begin_streams();
  ReadPiece take_front(StridedRow& rest, std::byte* to, std::uint64_t room) const;
  void push(Stream* stream);
  Stream* pop();

  std::span<const ReadRequest> requests_;
  ReadGrain grain_;
  std::vector<std::size_t> order_;  // of the requests, by their first offset
  std::size_t begun_ = 0;           // in order_
  std::deque<Stream> storage_;      // of streams, those in free_ included
  std::vector<Stream*> heap_;       // the one that is next in the file on top
  std::vector<Stream*> free_;
};

}  // namespace safelight

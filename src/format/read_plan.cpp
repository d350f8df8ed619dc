#include "format/read_plan.h"

#include <algorithm>
#include <numeric>

namespace safelight {
namespace {

// Bounds what a job of tiny pieces holds in memory: 1 MB.
constexpr std::size_t kMostPieces = 16384;

}  // namespace

ReadPlanner::ReadPlanner(std::span<const ReadRequest> requests, const ReadGrain& grain)
    : requests_(requests), grain_(grain), order_(requests.size()) {
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  const auto before = [&](std::size_t a, std::size_t b) { return requests_[a].first() < requests_[b].first(); };
  if (!std::is_sorted(order_.begin(), order_.end(), before)) std::stable_sort(order_.begin(), order_.end(), before);
}

bool ReadPlanner::next(ReadJob& job) {
  job.pieces.clear();
  job.dense = true;
  begin_streams();
  if (heap_.empty()) return false;
  job.offset = heap_.front()->place();
  job.bytes = 0;
  const std::uint64_t block_end = (job.offset / grain_.block_bytes + 1) * grain_.block_bytes;
  do {
    Stream* const stream = pop();
    const std::uint64_t room = block_end - stream->place();
    const ReadPiece piece = take_front(stream->piece.row, stream->piece.to, room);
    push(stream);
    job.dense = job.dense && piece.row.count == 1 && piece.row.from == job.end();
    job.bytes = std::max(job.end(), piece.row.from + piece.row.extent()) - job.offset;
    job.pieces.push_back(piece);
    begin_streams();
  } while (!heap_.empty() && job.pieces.size() < kMostPieces && heap_.front()->place() < block_end &&
           heap_.front()->place() <= job.end() + grain_.max_gap);
  return true;
}

// Takes what fits into `room` bytes of the file, at least one run, off a row; of a single run, a part.
ReadPiece ReadPlanner::take_front(StridedRow& rest, std::byte* to, std::uint64_t room) const {
  ReadPiece front{rest, to};
  if (rest.count == 1) {
    front.row.bytes = std::min(rest.bytes, room);
    rest.from += front.row.bytes;
    rest.to += front.row.bytes;
    rest.bytes -= front.row.bytes;
    return front;
  }
  const bool near = rest.from_stride - rest.bytes <= grain_.max_gap;
  const std::uint64_t fitting = near && room > rest.bytes ? 1 + (room - rest.bytes) / rest.from_stride : 1;
  front.row.count = std::min(rest.count, fitting);
  rest.from += front.row.count * rest.from_stride;
  rest.to += front.row.count * static_cast<std::uint64_t>(rest.to_stride);
  rest.count -= front.row.count;
  return front;
}

// The stream's next row, or run of a row; false at its end.
bool ReadPlanner::advance(Stream& stream) {
  StridedRow& row = stream.apart;
  if (row.count == 0) {
    if (!stream.walk.next(row)) return false;
    row.from += stream.offset;
    if (row.count == 1 || row.bytes <= kLongestRunInRow) {
      stream.piece.row = row;
      row.count = 0;
      return true;
    }
  }
  stream.piece.row = {.from = row.from, .to = row.to, .bytes = row.bytes};
  row.from += row.from_stride;
  row.to += static_cast<std::uint64_t>(row.to_stride);
  --row.count;
  return true;
}

// Begins the requests that reach back to, or before, what is next in the file.
void ReadPlanner::begin_streams() {
  while (begun_ < order_.size()) {
    const ReadRequest& request = requests_[order_[begun_]];
    if (!heap_.empty() && request.first() > heap_.front()->place()) return;
    ++begun_;
    Stream fresh{.walk = StridedWalk(request.copy), .offset = request.offset, .piece = {{.bytes = 0}, request.to}};
    Stream* stream = nullptr;
    if (free_.empty()) {
      stream = &storage_.emplace_back(std::move(fresh));
    } else {
      stream = free_.back();
      free_.pop_back();
      *stream = std::move(fresh);
    }
    push(stream);
  }
}

void ReadPlanner::push(Stream* stream) {
  if (stream->used_up() && !advance(*stream)) {
    free_.push_back(stream);
    return;
  }
  heap_.push_back(stream);
  std::push_heap(heap_.begin(), heap_.end(), [](const Stream* a, const Stream* b) { return a->place() > b->place(); });
}

ReadPlanner::Stream* ReadPlanner::pop() {
  std::pop_heap(heap_.begin(), heap_.end(), [](const Stream* a, const Stream* b) { return a->place() > b->place(); });
  Stream* const stream = heap_.back();
  heap_.pop_back();
  return stream;
}

}  // namespace safelight

// Whole tensors: requests of one run each.
#include "safelight/read.h"

#include <cassert>

#include "core/available_memory.h"
#include "core/fail.h"
#include "core/fresh_memory.h"
#include "core/human.h"
#include "core/printable.h"
#include "format/read_jobs.h"
#include "format/rules.h"
#include "format/safetensors_state.h"
#include "format/shape_of.h"

namespace safelight {
namespace {

constexpr std::uint64_t kAlignment = 64;  // as Tensor::allocate
constexpr std::uint64_t kSharedBlock = std::uint64_t{32} << 20;

ReadRequest request_for(const SafeTensors& file, const TensorInfo& info, std::byte* to) {
  return {.offset = file.offset(info),
          .copy = {.row = {.bytes = info.bytes()}, .axes = {}, .empty = info.bytes() == 0},
          .to = to};
}

std::uint64_t aligned(std::uint64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// `tensors`: in the order of their bytes. Neighbours share a block until it has the size of one; each tensor keeps its
// whole block.
std::vector<std::shared_ptr<std::byte>> allocate(std::span<const TensorInfo* const> tensors) {
  std::vector<std::shared_ptr<std::byte>> places(tensors.size());
  for (std::size_t first = 0, last = 0; first < tensors.size(); first = last) {
    std::uint64_t size = 0;
    do {
      size += aligned(std::max<std::uint64_t>(tensors[last++]->bytes(), 1));
    } while (last < tensors.size() && size + tensors[last]->bytes() <= kSharedBlock);
    const std::shared_ptr<std::byte> block = fresh_memory(size);
    std::uint64_t used = 0;
    for (std::size_t i = first; i < last; ++i) {
      places[i] = {block, block.get() + used};
      used += aligned(std::max<std::uint64_t>(tensors[i]->bytes(), 1));
    }
  }
  return places;
}

// Before the system finds out in its own way, which is to end the process.
void check_memory(std::uint64_t bytes) {
  const std::uint64_t available = available_memory();
  if (bytes > available)
    fail(ErrorCategory::limit, "[read] the tensors need {} of memory, but {} are available", human_bytes(bytes),
         human_bytes(available));
}

std::vector<Tensor> read_infos(const SafeTensors& file, std::span<const TensorInfo* const> wanted,
                               const ReadOptions& options, const Context& context, ReadReport* report) {
  std::vector<std::size_t> order(wanted.size());
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
    bytes += wanted[i]->bytes();
  }
  check_memory(bytes);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return wanted[a]->begin < wanted[b]->begin; });
  std::vector<const TensorInfo*> sorted;
  sorted.reserve(order.size());
  for (const std::size_t i : order) sorted.push_back(wanted[i]);
  std::vector<Shape> shapes;
  for (const TensorInfo* info : wanted) shapes.push_back(shape_of(*info));

  const std::vector<std::shared_ptr<std::byte>> places = allocate(sorted);
  std::vector<ReadRequest> requests;
  for (std::size_t i = 0; i < sorted.size(); ++i) requests.push_back(request_for(file, *sorted[i], places[i].get()));
  ReadReport done = read_requests(file, requests, options, context);
  if (report) *report = std::move(done);
  std::vector<Tensor> tensors(wanted.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    tensors[order[i]] = {sorted[i]->dtype, std::move(shapes[order[i]]), places[i]};
  return tensors;
}

}  // namespace

ReadReport read_into(const SafeTensors& file, std::span<const ReadTarget> targets, const ReadOptions& options,
                     const Context& context) {
  std::vector<ReadRequest> requests;
  for (const ReadTarget& target : targets) {
    assert(target.to.size() == target.tensor->bytes());
    requests.push_back(request_for(file, *target.tensor, target.to.data()));
  }
  return read_requests(file, requests, options, context);
}

std::vector<Tensor> read_tensors(const SafeTensors& file, const ReadOptions& options, const Context& context,
                                 ReadReport* report) {
  std::vector<const TensorInfo*> wanted;
  for (const TensorInfo& info : file.tensors()) wanted.push_back(&info);
  return read_infos(file, wanted, options, context, report);
}

std::vector<Tensor> read_tensors(const SafeTensors& file, std::span<const std::string> names,
                                 const ReadOptions& options, const Context& context, ReadReport* report) {
  std::vector<const TensorInfo*> wanted;
  for (const std::string& name : names) wanted.push_back(&existing(file, name));
  return read_infos(file, wanted, options, context, report);
}

}  // namespace safelight

// Selections from a file: requests of runs, rows and rows of rows.
#include "safelight/slice.h"

#include "format/read_jobs.h"
#include "format/safetensors_state.h"
#include "format/shape_of.h"
#include "tensor/byte_size.h"
#include "tensor/selection.h"

namespace safelight {

struct SlicePlan::State {
  DType dtype;
  Selection selection;
  std::uint64_t offset;  // of the tensor in the file
};

struct SliceReader {
  static ReadRequest request(const SlicePlan& plan, std::byte* to) {
    return {.offset = plan.state_->offset, .copy = plan.state_->selection.copy, .to = to};
  }
};

SlicePlan::SlicePlan(const SafeTensors& file, std::string_view name, const Slices& slices) {
  const TensorInfo& info = existing(file, name);
  state_ =
      std::make_shared<State>(State{info.dtype, select(name, info.dtype, shape_of(info), slices), file.offset(info)});
}

DType SlicePlan::dtype() const noexcept { return state_->dtype; }
const Shape& SlicePlan::shape() const noexcept { return state_->selection.shape; }

std::uint64_t SlicePlan::bytes() const noexcept { return byte_size(dtype(), shape()); }

void SlicePlan::for_each_run(const std::function<void(const Run&)>& use) const {
  StridedWalk walk(state_->selection.copy);
  for (StridedRow row; walk.next(row);)
    for (std::uint64_t i = 0; i < row.count; ++i) use({state_->offset + row.from + i * row.from_stride, row.bytes});
}

std::vector<Tensor> gather(const SafeTensors& file, std::span<const SlicePlan> plans, const ReadOptions& options,
                           const Context& context, ReadReport* report) {
  std::vector<Tensor> results;
  std::vector<ReadRequest> requests;
  for (const SlicePlan& plan : plans) {
    results.push_back(Tensor::allocate(plan.dtype(), plan.shape()));
    requests.push_back(SliceReader::request(plan, results.back().mutable_data()));
  }
  ReadReport done = read_requests(file, requests, options, context);
  if (report) *report = std::move(done);
  return results;
}

Tensor slice(const SafeTensors& file, std::string_view name, const Slices& slices, const ReadOptions& options,
             const Context& context, ReadReport* report) {
  const SlicePlan plan(file, name, slices);
  return gather(file, {&plan, 1}, options, context, report).front();
}

void for_each_range(std::span<const SlicePlan> plans, const ReadOptions& options,
                    const std::function<void(const SlicePlan::Run&)>& use) {
  std::vector<ReadRequest> requests;
  for (const SlicePlan& plan : plans) requests.push_back(SliceReader::request(plan, nullptr));
  const Context context;
  ReadJobs jobs(requests, options, context);
  for (ReadJob job; jobs.take(job);) use({job.offset, job.bytes});
}

}  // namespace safelight

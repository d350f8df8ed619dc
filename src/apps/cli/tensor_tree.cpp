#include "apps/cli/tensor_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include "core/human.h"
#include "core/printable.h"

namespace safelight::cli {
namespace {

// A name with more dots than this is hostile; its last part keeps the rest, so that the recursion stays shallow.
constexpr std::size_t kMostParts = 32;
constexpr std::size_t kLongestLabel = 80;  // characters
constexpr std::size_t kMostDimensions = 8;
constexpr std::size_t kIndent = 2;

using Parts = std::vector<std::string_view>;

struct Leaf {
  Parts parts;
  const TensorInfo* info;
};

struct Line {
  std::string label, dtype, shape, size;
};

Parts split(std::string_view name) {
  Parts parts;
  while (parts.size() + 1 < kMostParts) {
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) break;
    parts.push_back(name.substr(0, dot));
    name.remove_prefix(dot + 1);
  }
  parts.push_back(name);
  return parts;
}

bool is_number(std::string_view part) {
  return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "2" before "10", numbers before words.
bool part_before(std::string_view a, std::string_view b) {
  const bool number = is_number(a);
  if (number != is_number(b)) return number;
  return number && a.size() != b.size() ? a.size() < b.size() : a < b;
}

std::size_t width(std::string_view text) {  // in code points
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  if (shape.size() <= kMostDimensions) return fmt::format("[{}]", fmt::join(shape, ", "));
  return fmt::format("[{}, ... {} dimensions]", fmt::join(shape.begin(), shape.begin() + kMostDimensions, ", "),
                     shape.size());
}

class Tree {
 public:
  explicit Tree(std::size_t depth) : depth_(depth) {}

  // `leaves`: sorted, and equal in their first `level` parts.
  void add(std::span<const Leaf> leaves, std::size_t level, std::size_t indent) {
    while (!leaves.empty()) {
      const std::size_t count = group_size(leaves, level);
      add_group(leaves.first(count), level, indent);
      leaves = leaves.subspan(count);
    }
  }

  std::string text() const;

 private:
  // How many of the first leaves share the part at `level` with the first; a leaf that ends there stands alone.
  static std::size_t group_size(std::span<const Leaf> leaves, std::size_t level) {
    if (leaves.front().parts.size() == level + 1) return 1;
    std::size_t count = 1;
    while (count < leaves.size() && leaves[count].parts[level] == leaves.front().parts[level]) ++count;
    return count;
  }

  void add_group(std::span<const Leaf> group, std::size_t level, std::size_t indent);
  std::string label(const Leaf& leaf, std::size_t first, std::size_t last, std::size_t indent) const;

  std::size_t depth_;
  std::vector<Line> lines_;
};

std::string Tree::label(const Leaf& leaf, std::size_t first, std::size_t last, std::size_t indent) const {
  const char* begin = leaf.parts[first].data();
  const std::string_view name(begin,
                              static_cast<std::size_t>(leaf.parts[last].data() - begin) + leaf.parts[last].size());
  return std::string(indent * kIndent, ' ') + (name.empty() ? "\"\"" : printable(name, kLongestLabel));
}

void Tree::add_group(std::span<const Leaf> group, std::size_t level, std::size_t indent) {
  const Leaf& front = group.front();
  const Leaf& back = group.back();
  if (group.size() == 1) {
    lines_.push_back({label(front, level, front.parts.size() - 1, indent), std::string(name(front.info->dtype)),
                      shape_text(front.info->shape), human_bytes(front.info->bytes())});
    return;
  }
  // The parts that the first and the last share, all of a sorted group share: they go on one line.
  std::size_t last = level;
  while (last + 2 < front.parts.size() && last + 1 < back.parts.size() && front.parts[last + 1] == back.parts[last + 1])
    ++last;
  std::uint64_t bytes = 0;
  for (const Leaf& leaf : group) bytes += leaf.info->bytes();
  lines_.push_back({label(front, level, last, indent), "", human_count(group.size()) + " tensors", human_bytes(bytes)});
  if (indent + 1 < depth_) add(group, last + 1, indent + 1);
}

std::string Tree::text() const {
  std::size_t label_width = 0, dtype_width = 0, shape_width = 0, size_width = 0;
  for (const Line& line : lines_) {
    label_width = std::max(label_width, width(line.label));
    dtype_width = std::max(dtype_width, line.dtype.size());
    shape_width = std::max(shape_width, line.shape.size());
    size_width = std::max(size_width, line.size.size());
  }
  std::string out;
  for (const Line& line : lines_)
    fmt::format_to(std::back_inserter(out), "{}{:{}}  {:{}}  {:{}}  {:>{}}\n", line.label, "",
                   label_width - width(line.label), line.dtype, dtype_width, line.shape, shape_width, line.size,
                   size_width);
  return out;
}

}  // namespace

std::string tensor_tree(std::span<const TensorInfo> tensors, std::size_t depth) {
  std::vector<Leaf> leaves;
  leaves.reserve(tensors.size());
  for (const TensorInfo& info : tensors) leaves.push_back({split(info.name), &info});
  std::sort(leaves.begin(), leaves.end(), [](const Leaf& a, const Leaf& b) {
    return std::lexicographical_compare(a.parts.begin(), a.parts.end(), b.parts.begin(), b.parts.end(), part_before);
  });
  Tree tree(depth);
  tree.add(leaves, 0, 0);
  return tree.text();
}

}  // namespace safelight::cli

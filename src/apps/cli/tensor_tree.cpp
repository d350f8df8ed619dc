#include "apps/cli/tensor_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>
#include <vector>

#include "apps/cli/totals.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"

namespace safelight::cli {
namespace {

// A name with more dots than this is hostile; its last part keeps the rest, so that the recursion stays shallow.
constexpr std::size_t kMostParts = 32;
constexpr std::size_t kLongestLabel = 80;  // characters
constexpr std::size_t kMostDimensions = 8;
constexpr std::size_t kIndent = 2;
constexpr double kBar = 20;  // columns

using Parts = std::vector<std::string_view>;

struct Leaf {
  Parts parts;
  const TensorInfo* info;
};

// One tensor, or a group of several.
struct Line {
  std::size_t indent;
  std::string_view label;
  const TensorInfo* tensor;  // null for a group
  std::size_t tensors;
  std::uint64_t bytes;
};

// The columns of a line as text.
struct Columns {
  std::string label, dtype, shape, size, share, bar;
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

// The lines of the tree, each followed by those below it.
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

  const std::vector<Line>& lines() const { return lines_; }

 private:
  // How many of the first leaves share the part at `level` with the first; a leaf that ends there stands alone.
  static std::size_t group_size(std::span<const Leaf> leaves, std::size_t level) {
    if (leaves.front().parts.size() == level + 1) return 1;
    std::size_t count = 1;
    while (count < leaves.size() && leaves[count].parts[level] == leaves.front().parts[level]) ++count;
    return count;
  }

  void add_group(std::span<const Leaf> group, std::size_t level, std::size_t indent);

  std::size_t depth_;
  std::vector<Line> lines_;
};

// The parts [first, last] of the name, with the dots between them.
std::string_view label(const Leaf& leaf, std::size_t first, std::size_t last) {
  const char* begin = leaf.parts[first].data();
  return {begin, static_cast<std::size_t>(leaf.parts[last].data() - begin) + leaf.parts[last].size()};
}

void Tree::add_group(std::span<const Leaf> group, std::size_t level, std::size_t indent) {
  const Leaf& front = group.front();
  const Leaf& back = group.back();
  if (group.size() == 1) {
    lines_.push_back({indent, label(front, level, front.parts.size() - 1), front.info, 1, front.info->bytes()});
    return;
  }
  // The parts that the first and the last share, all of a sorted group share: they go on one line.
  std::size_t last = level;
  while (last + 2 < front.parts.size() && last + 1 < back.parts.size() && front.parts[last + 1] == back.parts[last + 1])
    ++last;
  std::uint64_t bytes = 0;
  for (const Leaf& leaf : group) bytes += leaf.info->bytes();
  lines_.push_back({indent, label(front, level, last), nullptr, group.size(), bytes});
  if (indent + 1 < depth_) add(group, last + 1, indent + 1);
}

std::string bar_of(double share, bool ascii) {
  std::string bar;
  for (auto n = std::lround(share * kBar); n > 0; --n) bar += ascii ? "#" : "█";
  return bar;
}

Columns columns_of(const Line& line, std::uint64_t total, bool ascii) {
  const double share = total > 0 ? static_cast<double>(line.bytes) / static_cast<double>(total) : 0;
  return {
      .label = std::string(line.indent * kIndent, ' ') +
               (line.label.empty() ? "\"\"" : printable(line.label, kLongestLabel)),
      .dtype = line.tensor ? std::string(name(line.tensor->dtype)) : "",
      .shape = line.tensor ? shape_text(line.tensor->shape, kMostDimensions) : human_count(line.tensors) + " tensors",
      .size = human_bytes(line.bytes),
      .share = fmt::format("{:.0f}%", share * 100),
      .bar = bar_of(share, ascii)};
}

std::vector<Leaf> sorted_leaves(std::span<const TensorInfo> tensors) {
  std::vector<Leaf> leaves;
  leaves.reserve(tensors.size());
  for (const TensorInfo& info : tensors) leaves.push_back({split(info.name), &info});
  std::sort(leaves.begin(), leaves.end(), [](const Leaf& a, const Leaf& b) {
    return std::lexicographical_compare(a.parts.begin(), a.parts.end(), b.parts.begin(), b.parts.end(), part_before);
  });
  return leaves;
}

Tree tree_of(std::span<const TensorInfo> tensors, std::size_t depth) {
  Tree tree(depth);
  tree.add(sorted_leaves(tensors), 0, 0);
  return tree;
}

// Without the brackets that hold what is below it.
std::string json_of(const Line& line) {
  if (!line.tensor)
    return fmt::format(R"("name":{},"tensors":{},"bytes":{})", json_string(line.label), line.tensors, line.bytes);
  return fmt::format(R"("name":{},"tensor":{},"dtype":"{}","shape":[{}],"bytes":{})", json_string(line.label),
                     json_string(line.tensor->name), name(line.tensor->dtype), fmt::join(line.tensor->shape, ","),
                     line.bytes);
}

}  // namespace

std::string tensor_tree(std::span<const TensorInfo> tensors, std::size_t depth, bool ascii) {
  std::uint64_t total = 0;
  for (const TensorInfo& info : tensors) total += info.bytes();
  const Tree tree = tree_of(tensors, depth);
  std::vector<Columns> rows;
  Columns widest;  // the widest text of each column, but for the label, which has characters of several bytes
  std::size_t label_width = 0;
  const auto widen = [](std::string& column, const std::string& text) {
    if (text.size() > column.size()) column = text;
  };
  for (const Line& line : tree.lines()) {
    const Columns& row = rows.emplace_back(columns_of(line, total, ascii));
    label_width = std::max(label_width, width(row.label));
    widen(widest.dtype, row.dtype);
    widen(widest.shape, row.shape);
    widen(widest.size, row.size);
    widen(widest.share, row.share);
  }
  std::string out;
  for (const Columns& row : rows)
    fmt::format_to(std::back_inserter(out), "{}{:{}}  {:{}}  {:{}}  {:>{}}  {:>{}}{}{}\n", row.label, "",
                   label_width - width(row.label), row.dtype, widest.dtype.size(), row.shape, widest.shape.size(),
                   row.size, widest.size.size(), row.share, widest.share.size(), row.bar.empty() ? "" : "  ", row.bar);
  return out;
}

std::string tensor_tree_json(std::span<const TensorInfo> tensors, std::size_t depth) {
  const Tree tree = tree_of(tensors, depth);
  std::string out = "[";
  std::size_t open = 0;  // objects whose brackets are still open
  for (const Line& line : tree.lines()) {
    const bool below = line.indent == open;  // the line before, or the first of all
    for (; open > line.indent; --open) out += open == line.indent + 1 ? "}" : "}]";
    if (!below || line.indent == 0)
      out += out.size() > 1 ? "," : "";
    else
      out += ",\"children\":[";
    out += "{" + json_of(line);
    ++open;
  }
  for (; open > 0; --open) out += open == 1 ? "}" : "}]";
  return out + "]";
}

}  // namespace safelight::cli

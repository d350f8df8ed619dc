#include "apps/cli/array_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <functional>
#include <span>
#include <vector>

#include "apps/cli/float_text.h"

namespace safelight::cli {
namespace {

template <class T>
T load(const Tensor& t, std::int64_t position) {
  T value;
  std::memcpy(&value, t.data() + static_cast<std::size_t>(position) * sizeof value, sizeof value);
  return value;
}

bool is_integer(DType dtype) {
  switch (dtype) {
    case DType::U8:
    case DType::I8:
    case DType::U16:
    case DType::I16:
    case DType::U32:
    case DType::I32:
    case DType::U64:
    case DType::I64:
      return true;
    default:
      return false;
  }
}

std::string integer_text(const Tensor& t, std::int64_t i) {
  switch (t.dtype()) {
    case DType::U8:
      return std::to_string(load<std::uint8_t>(t, i));
    case DType::I8:
      return std::to_string(load<std::int8_t>(t, i));
    case DType::U16:
      return std::to_string(load<std::uint16_t>(t, i));
    case DType::I16:
      return std::to_string(load<std::int16_t>(t, i));
    case DType::U32:
      return std::to_string(load<std::uint32_t>(t, i));
    case DType::I32:
      return std::to_string(load<std::int32_t>(t, i));
    case DType::U64:
      return std::to_string(load<std::uint64_t>(t, i));
    default:
      return std::to_string(load<std::int64_t>(t, i));
  }
}

// A number of a floating type; of a complex one, its real (part 0) or imaginary part (1).
double float_value(const Tensor& t, std::int64_t i, int part = 0) {
  if (t.dtype() == DType::F64) return load<double>(t, i);
  if (t.dtype() == DType::F32) return load<float>(t, i);
  if (t.dtype() == DType::C64) return load<float>(t, 2 * i + part);
  const auto bytes = static_cast<std::size_t>(i * bits(t.dtype()) / 8);
  const Tensor one(t.dtype(), {1}, std::shared_ptr<const std::byte>(std::shared_ptr<void>(), t.data() + bytes));
  return to_f32(one).floats()[0];
}

// The format that all of some floats share, chosen as NumPy chooses it.
class FloatColumn {
 public:
  FloatColumn(DType dtype, std::span<const double> values, int precision, bool plus);
  std::string operator()(double value) const;

 private:
  struct Parts {
    std::string whole, fraction, exponent;  // "-1", "25", "+05"
  };
  static bool needs_exponent(std::span<const double> finite);
  Parts parts(double value) const;
  std::string sign(double value) const { return std::signbit(value) ? "-" : plus_ ? "+" : ""; }
  std::string scientific(double value) const;

  DType dtype_;
  int precision_;
  bool plus_, scientific_ = false;
  std::size_t left_ = 0, right_ = 0;  // columns before and after the point
  std::size_t digits_ = 0;            // after the point, of the scientific form
};

bool FloatColumn::needs_exponent(std::span<const double> finite) {
  double least = INFINITY, most = 0;
  for (const double value : finite) {
    if (value == 0) continue;
    least = std::min(least, std::abs(value));
    most = std::max(most, std::abs(value));
  }
  return most > 0 && (most >= 1e8 || least < 1e-4 || most / least > 1000);
}

FloatColumn::FloatColumn(DType dtype, std::span<const double> values, int precision, bool plus)
    : dtype_(dtype), precision_(precision), plus_(plus) {
  std::vector<double> finite;
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite), [](double v) { return std::isfinite(v); });
  scientific_ = needs_exponent(finite);
  std::size_t exponent = 0;
  for (const double value : finite) {
    const Parts p = parts(value);
    left_ = std::max(left_, p.whole.size());
    digits_ = std::max(digits_, p.fraction.size());
    exponent = std::max(exponent, p.exponent.size());
  }
  right_ = scientific_ ? digits_ + exponent + 1 : digits_;
  if (finite.size() == values.size()) return;
  const bool minus = std::any_of(values.begin(), values.end(), [](double v) { return v == -INFINITY; });
  const std::size_t word = minus || plus ? 4 : 3;  // "-inf", "nan"
  left_ = std::max(left_, word - std::min(word, right_ + 1));
}

FloatColumn::Parts FloatColumn::parts(double value) const {
  const Decimal d = shortest_decimal(dtype_, value, precision_, !scientific_);
  const int whole_digits = scientific_ ? 1 : std::max(d.exponent, 0);
  const int size = static_cast<int>(d.digits.size());
  Parts p;
  p.whole = sign(value);
  const std::string whole = d.digits.substr(0, static_cast<std::size_t>(std::min(whole_digits, size)));
  p.whole += whole.empty() ? "0" : whole + std::string(static_cast<std::size_t>(whole_digits) - whole.size(), '0');
  if (!scientific_ && d.exponent < 0) p.fraction = std::string(static_cast<std::size_t>(-d.exponent), '0');
  if (size > whole_digits) p.fraction += d.digits.substr(static_cast<std::size_t>(whole_digits));
  if (d.digits.empty()) p.fraction.clear();
  if (scientific_) p.exponent = fmt::format("{:+03}", d.digits.empty() ? 0 : d.exponent - 1);
  return p;
}

std::string FloatColumn::operator()(double value) const {
  if (std::isnan(value)) return fmt::format("{:>{}}", plus_ ? "+nan" : "nan", left_ + right_ + 1);
  if (std::isinf(value)) return fmt::format("{:>{}}", sign(value) + "inf", left_ + right_ + 1);
  if (scientific_) return scientific(value);
  const Parts p = parts(value);
  return fmt::format("{:>{}}.{:<{}}", p.whole, left_, p.fraction, right_);
}

// All with as many digits as the longest needs: what the others do not need are digits of the exact value, not zeros.
std::string FloatColumn::scientific(double value) const {
  const std::string exact = fmt::format("{:.{}e}", std::abs(value), digits_);
  const std::string exponent = exact.substr(exact.find('e') + 1);
  const std::string fraction = digits_ > 0 ? exact.substr(2, digits_) : "";
  const std::size_t most = right_ - digits_ - 1;  // of the exponents, sign included
  return fmt::format("{:>{}}.{}e{}{}{}", sign(value) + exact[0], left_, fraction, exponent[0],
                     std::string(most - std::min(most, exponent.size()), '0'), exponent.substr(1));
}

using Format = std::function<std::string(std::int64_t)>;

Format float_format(const Tensor& t, std::span<const std::int64_t> shown, int precision) {
  const bool complex = t.dtype() == DType::C64;
  std::vector<double> real, imaginary;
  for (const std::int64_t i : shown) {
    real.push_back(float_value(t, i));
    if (complex) imaginary.push_back(float_value(t, i, 1));
  }
  FloatColumn column(t.dtype(), real, precision, false);
  if (!complex) return [&t, column](std::int64_t i) { return column(float_value(t, i)); };
  return [&t, column, second = FloatColumn(t.dtype(), imaginary, precision, true)](std::int64_t i) {
    std::string text = second(float_value(t, i, 1));
    text.insert(text.find_last_not_of(' ') + 1, "j");
    return column(float_value(t, i)) + text;
  };
}

// `shown`: the positions of the values that will be.
Format format_for(const Tensor& t, std::span<const std::int64_t> shown, int precision) {
  if (t.dtype() == DType::BOOL)
    return [&t](std::int64_t i) {
      const bool value = load<std::uint8_t>(t, i) != 0;
      return std::string(!value ? "False" : t.rank() > 0 ? " True" : "True");
    };
  if (!is_integer(t.dtype())) return float_format(t, shown, precision);
  std::size_t width = 0;
  for (const std::int64_t i : shown) width = std::max(width, integer_text(t, i).size());
  return [&t, width](std::int64_t i) { return fmt::format("{:>{}}", integer_text(t, i), width); };
}

class ArrayPrinter {
 public:
  ArrayPrinter(const Tensor& t, const ArrayTextOptions& options)
      : shape_(t.shape()), options_(options), cut_(t.elements() > options.threshold) {
    std::vector<std::int64_t> shown;
    visit(0, 0, [&](std::int64_t i) { shown.push_back(i); });
    format_ = format_for(t, shown, options.precision);
  }

  std::string print() const { return print(0, 0, " ", options_.width); }

 private:
  bool is_cut(std::int64_t size) const { return cut_ && size > 2 * options_.edge; }

  // The places of an axis that are shown; -1 stands for those left out.
  std::vector<std::int64_t> places(std::int64_t size) const {
    std::vector<std::int64_t> list;
    for (std::int64_t i = 0; i < size; ++i) {
      if (is_cut(size) && i == options_.edge) {
        list.push_back(-1);
        i = size - options_.edge;
      }
      list.push_back(i);
    }
    return list;
  }

  template <class Use>
  void visit(std::size_t axis, std::int64_t position, const Use& use) const {
    if (axis == shape_.size()) {
      use(position);
      return;
    }
    for (const std::int64_t i : places(shape_[axis]))
      if (i >= 0) visit(axis + 1, position * shape_[axis] + i, use);
  }

  std::string print(std::size_t axis, std::int64_t position, const std::string& indent, std::size_t width) const {
    if (axis == shape_.size()) return format_(position);
    const std::size_t axes_left = shape_.size() - axis;
    std::string text = axes_left == 1 ? print_row(axis, position, indent, width) : "";
    if (axes_left > 1) {
      const std::string between(axes_left - 1, '\n');
      for (const std::int64_t i : places(shape_[axis])) {
        if (!text.empty()) text += between;
        text += indent;
        text += i < 0 ? "..." : print(axis + 1, position * shape_[axis] + i, indent + ' ', width - 1);
      }
    }
    return '[' + text.substr(indent.size()) + ']';
  }

  // Values until the line is full.
  std::string print_row(std::size_t axis, std::int64_t position, const std::string& indent, std::size_t width) const {
    std::string text, line = indent;
    bool first = true;
    for (const std::int64_t i : places(shape_[axis])) {
      const std::string word = i < 0 ? "..." : format_(position * shape_[axis] + i);
      if (!first) line += ' ';
      if (line.size() + word.size() > width - 1 && line.size() > indent.size()) {
        text += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
        line = indent;
      }
      line += word;
      first = false;
    }
    return text + line;
  }

  const Shape& shape_;
  const ArrayTextOptions& options_;
  const bool cut_;
  Format format_;
};

std::string json_float(double value, DType dtype) {
  if (std::isnan(value)) return "\"NaN\"";
  if (std::isinf(value)) return value < 0 ? "\"-Infinity\"" : "\"Infinity\"";
  const Decimal d = shortest_decimal(dtype, value, 400, false);
  if (d.digits.empty()) return std::signbit(value) ? "-0.0" : "0.0";
  const bool plain = d.exponent > -5 && d.exponent <= 16;
  if (plain) return fmt::format("{:.{}f}", value, std::max(1, static_cast<int>(d.digits.size()) - d.exponent));
  return fmt::format("{}{}.{}e{}", std::signbit(value) ? "-" : "", d.digits[0],
                     d.digits.size() > 1 ? d.digits.substr(1) : "0", d.exponent - 1);
}

}  // namespace

std::string array_text(const Tensor& tensor, const ArrayTextOptions& options) {
  if (tensor.elements() == 0) return "[]";
  return ArrayPrinter(tensor, options).print();
}

std::string json_value(const Tensor& t, std::int64_t i) {
  if (t.dtype() == DType::BOOL) return load<std::uint8_t>(t, i) != 0 ? "true" : "false";
  if (is_integer(t.dtype())) return integer_text(t, i);
  if (t.dtype() != DType::C64) return json_float(float_value(t, i), t.dtype());
  return '[' + json_float(float_value(t, i), DType::F32) + ',' + json_float(float_value(t, i, 1), DType::F32) + ']';
}

}  // namespace safelight::cli

#include "tasks/text_rows.h"

#include <algorithm>

#include "models/followed_texts.h"

namespace safelight {

TextRows text_rows(std::span<const std::int64_t> texts, bool negative_is_blank) {
  TextRows result;
  const bool has_prompt = std::ranges::find(texts, kPromptRow) != texts.end();
  for (const std::int64_t text : texts) {
    if (text == kNegativeRow && negative_is_blank && has_prompt) {
      result.followed.push_back(kBlankText);
      continue;
    }
    const auto known = std::ranges::find(result.read, text);
    result.followed.push_back(known - result.read.begin());
    if (known == result.read.end()) result.read.push_back(text);
  }
  return result;
}

}  // namespace safelight

// safelight info: what pictures are, and what they say about how they were made.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "apps/cli/commands.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "image/picture_settings.h"
#include "safelight/picture.h"

namespace safelight::cli {
namespace {

constexpr std::size_t kLongestText = 200;  // characters shown of a text that is not understood
constexpr std::size_t kWidestName = 30;

struct Options {
  std::vector<std::string> pictures;
  bool json = false;
};

// --- for people -----------------------------------------------------------------------------------------------------

// Of text that people copy: a prompt's backslashes ("\(") stay as they are, where printable() would double them.
std::string legible(std::string_view text) {
  std::string out;
  while (true) {
    const std::size_t end = std::min(text.find('\\'), text.size());
    out += printable(text.substr(0, end));
    if (end == text.size()) return out;
    out += '\\';
    text.remove_prefix(end + 1);
  }
}

// A name and its text, whose further lines are below the first.
void add_row(std::string& out, std::string_view name, std::string_view text, std::size_t width) {
  while (true) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += fmt::format("  {:{}}  {}\n", printable(name, kWidestName), width, legible(text.substr(0, end)));
    if (end == text.size()) return;
    text.remove_prefix(end + 1);
    name = {};
  }
}

std::string as_text(const std::string& path, const PictureFile& file, const PictureSettings& said) {
  std::string out =
      fmt::format("{}  {}, {} x {}", printable(path), name(file.format), file.picture.width, file.picture.height);
  if (file.orientation != 1) out += fmt::format(", turned upright (EXIF orientation {})", file.orientation);
  if (!file.alpha.empty()) out += ", with transparent parts";
  out += said.settings && said.form == SettingsForm::comfy_graph ? ", made by ComfyUI\n" : "\n";

  std::vector<std::pair<std::string_view, std::string_view>> rows;
  if (said.settings) {
    rows.emplace_back("Prompt", said.settings->prompt);
    if (!said.settings->negative_prompt.empty()) rows.emplace_back("Negative prompt", said.settings->negative_prompt);
    for (const auto& [name, value] : said.settings->fields) rows.emplace_back(name, value);
  }
  std::size_t width = 0;
  for (const auto& [name, value] : rows) width = std::max(width, std::min(name.size(), kWidestName));
  for (const auto& [name, value] : rows) add_row(out, name, value, width);
  for (const auto& [key, text] : said.others)
    out += fmt::format("  text '{}': {}\n", printable(key), printable(text, kLongestText));
  if (rows.empty() && said.others.empty()) out += "  It says nothing about how it was made.\n";
  return out;
}

// --- for programs ---------------------------------------------------------------------------------------------------

template <class Pairs>
std::string json_object(const Pairs& pairs) {
  std::string out = "{";
  std::set<std::string_view> seen;
  for (const auto& [name, value] : pairs)
    if (seen.insert(name).second)
      out += fmt::format("{}{}:{}", out.size() > 1 ? "," : "", json_string(name), json_string(value));
  return out + "}";
}

std::string as_json(const std::string& path, const PictureFile& file, const PictureSettings& said) {
  std::string out = fmt::format(
      R"({{"path":{},"format":"{}","width":{},"height":{},"orientation":{},"transparent":{},"settings_from":{})",
      json_string(path), name(file.format), file.picture.width, file.picture.height, file.orientation,
      !file.alpha.empty(), said.settings ? json_string(name(said.form)) : "null");
  if (said.settings)
    out += fmt::format(R"(,"prompt":{},"negative_prompt":{},"settings":{})", json_string(said.settings->prompt),
                       json_string(said.settings->negative_prompt), json_object(said.settings->fields));
  return out + fmt::format(",\"other_texts\":{}}}", json_object(said.others));
}

int show(const Options& options) {
  std::string json;
  for (const std::string& path : options.pictures) {
    PictureFile file = read_picture(path);
    const PictureSettings said = read_settings(std::move(file.text));
    if (options.json)
      json += (json.empty() ? "" : ",") + as_json(path, file, said);
    else  // at once: a later one may not be readable
      fmt::print("{}{}", &path == options.pictures.data() ? "" : "\n", as_text(path, file, said));
  }
  if (options.json) fmt::print("{{\"pictures\":[{}]}}\n", json);
  return 0;
}

}  // namespace

void add_info(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command("info", "Show what pictures are, and the settings they say they were made with.");
  command.add_option("PICTURE", options->pictures, "PNG, JPEG or WebP files").required();
  command.add_flag("--json", options->json,
                   "Print one JSON object: pictures, each with path, format, width, height, orientation (as EXIF has\n"
                   "it; the size is that of the picture upright), transparent, settings_from (infotext, comfyui, or\n"
                   "null if it says nothing; else prompt, negative_prompt, settings), other_texts");
  command.footer("Example: safelight info house.png");
  command.callback([options, &status] { status = show(*options); });
}

}  // namespace safelight::cli

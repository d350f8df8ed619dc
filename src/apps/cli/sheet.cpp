// safelight sheet: pictures and their captions on one sheet.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/output_files.h"
#include "core/fail.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "image/contact_sheet.h"
#include "image/infotext.h"

namespace safelight::cli {
namespace {

struct Options {
  std::string output;
  std::vector<std::string> pictures, captions;
  SheetOptions sheet;
  bool json = false;
};

// The prompt that made the picture, else its file name.
std::string own_caption(const std::filesystem::path& path, const PictureText& text) {
  const auto parameters = text.find(std::string(kInfotextKeyword));
  std::string prompt = parameters == text.end() ? "" : parse_infotext(parameters->second).prompt;
  return prompt.empty() ? path.stem().string() : prompt;
}

std::string as_json(const std::filesystem::path& path, const Picture& sheet, const Options& options,
                    const std::vector<SheetEntry>& entries) {
  std::string out = fmt::format("{{\"file\":{},\"width\":{},\"height\":{},\"pictures\":[", json_string(path.native()),
                                sheet.width, sheet.height);
  for (std::size_t i = 0; i < entries.size(); ++i)
    out += fmt::format("{}{{\"path\":{},\"caption\":{}}}", i ? "," : "", json_string(options.pictures[i]),
                       json_string(entries[i].caption));
  return out + "]}\n";
}

int make_sheet(const Options& options) {
  const std::filesystem::path path = options.output;
  const OutputFiles check(options.output, 1);
  if (!options.captions.empty() && options.captions.size() != options.pictures.size())
    fail(ErrorCategory::usage, "[sheet] expected a --caption for each of {}, or none, found {}",
         counted(options.pictures.size(), "picture"), options.captions.size());
  std::vector<SheetEntry> entries;
  for (std::size_t i = 0; i < options.pictures.size(); ++i) {
    const std::string& name = options.pictures[i];
    if (std::error_code unknown; std::filesystem::equivalent(name, path, unknown))
      fail(ErrorCategory::usage, "[sheet] expected another name for the sheet, found {}, which is one of the pictures",
           printable(name));
    const PictureFile file = read_picture(name);
    entries.push_back(
        {sheet_print(file.picture), options.captions.empty() ? own_caption(name, file.text) : options.captions[i]});
  }
  const Picture sheet = contact_sheet(entries, options.sheet);
  write_picture(path, sheet);
  if (options.json)
    fmt::print("{}", as_json(path, sheet, options, entries));
  else
    fmt::print("{}  {} x {}, {}\n", printable(path.native()), sheet.width, sheet.height,
               counted(entries.size(), "picture"));
  return 0;
}

}  // namespace

void add_sheet(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command("sheet", "Put pictures on one contact sheet, each with its prompt.");
  command.add_option("PICTURE", options->pictures, "PNG, JPEG or WebP files").required();
  command.add_option("-o,--output", options->output, "Where the sheet goes: a .png, .jpg or .webp").required();
  command
      .add_option("--caption", options->captions,
                  "What stands below a picture, in place of its prompt; once for each picture, in their order")
      .shown_as("TEXT");
  command.add_option("--columns", options->sheet.columns, "Pictures in a row; without it, what looks best")
      .between(1, 1000);
  command.add_flag("--json", options->json, "Print one JSON object: file, width, height, pictures");
  command.footer("Example: safelight sheet -o sheet.png --columns 4 pictures/*.png");
  command.callback([options, &status] { status = make_sheet(*options); });
}

}  // namespace safelight::cli

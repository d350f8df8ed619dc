#include "apps/cli/model_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/cli/shell_word.h"
#include "core/human.h"
#include "core/json_text.h"

namespace safelight::cli {
namespace {

std::string_view text_of(ModelTask task) {
  switch (task) {
    case ModelTask::generate:
      return "generate";
    case ModelTask::inpaint:
      return "inpaint";
    case ModelTask::edit:
      return "edit";
  }
  return {};
}

std::string_view text_of(Prediction prediction) { return prediction == Prediction::v ? "v" : "noise"; }

template <class Range, class ToText>
std::string json_list(const Range& range, const ToText& to_text) {
  std::string out = "[";
  for (const auto& item : range) out += (out.size() > 1 ? "," : "") + to_text(item);
  return out + "]";
}

std::string json_texts(const std::vector<std::string>& texts) { return json_list(texts, json_string); }

std::string json_or_null(std::string_view text) { return text.empty() ? "null" : json_string(text); }

std::string types_json(std::span<const TypeShare> types) {
  return json_list(types, [](const TypeShare& t) {
    return fmt::format(R"({{"dtype":"{}","tensors":{},"bytes":{}}})", name(t.dtype), t.tensors, t.bytes);
  });
}

bool lacks_vae(const Recognition& model) {
  return std::ranges::any_of(model.lacks, [](const std::string& part) { return part.starts_with("VAE"); });
}

}  // namespace

std::vector<std::string> what_to_add(const Recognition& model) {
  std::vector<std::string> lines;
  if (!model.family) return lines;
  for (const std::string& part : model.lacks)
    if (!part.starts_with("VAE"))
      lines.push_back(fmt::format("--text-encoder FILE: its {}, by itself or in a checkpoint of {}", part, model.base));
  if (lacks_vae(model)) lines.push_back(fmt::format("--vae FILE: a VAE of {}", model.base));
  return lines;
}

std::string command_to_run(const std::filesystem::path& path, const Examined& model) {
  const std::string file = shell_word(path.native());
  if (model.format == "torch" || model.format == "gguf" || model.format == "npy" || model.format == "npz")
    return fmt::format("safelight convert {} {}", file,
                       shell_word(std::filesystem::path(path).replace_extension(".safetensors").native()));
  if (!model.problem.empty()) return "";
  const Recognition& found = model.recognition;
  if (found.kind == ModelKind::lora && !found.can_be_merged) return "";
  if (found.kind == ModelKind::lora) return fmt::format("safelight merge MODEL --lora {}=1 -o OUTPUT", file);
  if (!found.family) return "";
  std::string parts;
  for (const std::string& part : found.lacks)
    if (!part.starts_with("VAE")) parts += " --text-encoder FILE";
  if (lacks_vae(found)) parts += " --vae FILE";
  switch (found.task) {
    case ModelTask::generate:
      return fmt::format("safelight generate -m {}{} -p \"...\"", file, parts);
    case ModelTask::inpaint:
      return fmt::format("safelight inpaint -m {}{} -i PICTURE --mask MASK -p \"...\"", file, parts);
    case ModelTask::edit:
      return fmt::format("safelight edit -m {}{} -i PICTURE --instruct \"...\"", file, parts);
  }
  return "";
}

std::string types_text(std::span<const TypeShare> types) {
  std::string text;
  for (const TypeShare& t : types)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name(t.dtype), human_bytes(t.bytes));
  return text;
}

std::string examined_json(const std::filesystem::path& path, const Examined& model) {
  const Recognition& found = model.recognition;
  const bool unet = found.family.has_value();
  std::string out = fmt::format(R"("what":{},"kind":"{}","family":{},"format":{},"bytes":{},"problem":{})",
                                json_string(found.what), name(found.kind), json_or_null(found.base),
                                json_or_null(model.format), model.bytes, json_or_null(model.problem));
  out += fmt::format(
      R"(,"task":{},"prediction":{},"zero_terminal_snr":{})", unet ? json_string(text_of(found.task)) : "null",
      unet ? json_string(text_of(found.prediction)) : "null", unet ? fmt::to_string(found.zero_terminal_snr) : "null");
  out += fmt::format(R"(,"types":{},"carries":{},"lacks":{})", types_json(found.types),
                     json_list(found.parts,
                               [](const CarriedPart& part) {
                                 return fmt::format(R"({{"part":{},"tensors":{},"bytes":{},"types":{}}})",
                                                    json_string(part.name), part.tensors, part.bytes,
                                                    types_json(part.types));
                               }),
                     json_texts(found.lacks));
  out += fmt::format(R"(,"evidence":{},"notes":{})",
                     json_list(found.facts,
                               [](const Fact& fact) {
                                 return fmt::format(R"({{"claim":{},"because":{}}})", json_string(fact.claim),
                                                    json_string(fact.because));
                               }),
                     json_texts(found.notes));
  return out + fmt::format(R"(,"add":{},"run":{})", json_texts(what_to_add(found)),
                           json_or_null(command_to_run(path, model)));
}

std::string entry_json(const LibraryEntry& entry) {
  const FileHashes& h = entry.hashes;
  std::string preview;
  for (const Sidecar& sidecar : entry.found.sidecars)
    if (preview.empty() && sidecar.role == "preview") preview = sidecar.path.native();
  return fmt::format(R"("autov1":{},"autov2":{},"autov3":{},"sha256":{},"preview":{},"beside":{})",
                     json_or_null(h.autov1), json_or_null(h.autov2), json_or_null(h.autov3), json_or_null(h.sha256),
                     json_or_null(preview), json_list(entry.found.sidecars, [](const Sidecar& sidecar) {
                       return fmt::format(R"({{"role":"{}","path":{}}})", sidecar.role,
                                          json_string(sidecar.path.native()));
                     }));
}

}  // namespace safelight::cli

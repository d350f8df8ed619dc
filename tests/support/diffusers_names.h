// The names in tests/data/models/diffusers_names.txt; tests/golden/diffusers_names.py says how it is written.
#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace safelight::test {

struct NamePair {
  std::string ldm, diffusers;
};

// One part of one or several families.
struct NamesOfPart {
  std::string part, families;                // "unet", "sd1 sd2"
  std::size_t tensors = 0;                   // how many it has, as diffusers counts
  std::vector<NamePair> modules{}, names{};  // of modules that have a weight; of all tensors
};

class NamesReader {
 public:
  explicit NamesReader(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error("cannot read " + path);
    for (std::string line; std::getline(file, line);) read(line);
  }

  std::vector<NamesOfPart> parts;

 private:
  void read(const std::string& line) {
    std::istringstream words(line);
    std::vector<std::string> w;
    for (std::string word; words >> word;) w.push_back(word);
    const bool no_bias = w.back() == "-";
    if (w[0] == "#") {
      members_.clear();
      parts.push_back({.part = w[1], .families = {}, .tensors = std::stoul(w.back())});
      for (std::size_t i = 2; i + 1 < w.size(); ++i) parts.back().families += (i == 2 ? "" : " ") + w[i];
    } else if (w[0] == ":") {
      members_.push_back({w[1], no_bias});
    } else if (w[0] == "=") {
      parts.back().names.push_back({w[1], w[2]});
    } else if (w[0] == "*") {
      add_transformer(w[1], w[2], std::stoi(w[3]));
    } else {
      add(w[0], w[1], no_bias);
    }
  }

  void add(const std::string& ldm, const std::string& diffusers, bool no_bias) {
    parts.back().modules.push_back({ldm, diffusers});
    parts.back().names.push_back({ldm + ".weight", diffusers + ".weight"});
    if (!no_bias) parts.back().names.push_back({ldm + ".bias", diffusers + ".bias"});
  }

  void add_transformer(const std::string& ldm, const std::string& diffusers, int blocks) {
    for (const char* member : {".norm", ".proj_in", ".proj_out"}) add(ldm + member, diffusers + member, false);
    for (int i = 0; i < blocks; ++i)
      for (const Member& member : members_) {
        const std::string below = ".transformer_blocks." + std::to_string(i) + "." + member.name;
        add(ldm + below, diffusers + below, member.no_bias);
      }
  }

  struct Member {
    std::string name;
    bool no_bias;
  };
  std::vector<Member> members_;
};

inline std::vector<NamesOfPart> read_diffusers_names() {
  return NamesReader(SAFELIGHT_SOURCE_DIR "/tests/data/models/diffusers_names.txt").parts;
}

}  // namespace safelight::test

// The models folder: what is in it.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "library/examine.h"
#include "library/walk.h"
#include "models/recognise.h"
#include "safelight/context.h"
#include "safelight/hash.h"

namespace safelight {

// One model: where it is, what it is, by which names it goes.
struct LibraryEntry {
  FoundModel found;
  Examined examined{};
  FileHashes hashes{};  // those that are known; empty texts otherwise

  const std::filesystem::path& path() const { return found.path; }
  const std::string& name() const { return found.name; }

  // By its tensors; where they say nothing, by its folder.
  ModelKind kind() const;

  // Its name with its AutoV2 hash if that is known, as A1111 shows it: "anime/x.safetensors [6ce0161689]".
  std::string title() const;

  // Why it cannot be opened; "" if it can.
  const std::string& problem() const { return found.problem.empty() ? examined.problem : found.problem; }
};

// All models below these folders (as roots_of() takes them), sorted by name: each is opened, recognised, its cached
// hashes looked up, on Context::threads threads. Nothing is hashed. What is broken, hostile or unreadable is an entry
// with a problem. Throws Error(io) if one of the folders is none, Error(cancelled).
std::vector<LibraryEntry> list_models(std::span<const std::filesystem::path> folders, const Context& context = {});

// Computes the hashes that are missing, and caches them. What cannot be read gets none. Progress: bytes of all, stage
// "hash". Throws Error(cancelled); what was hashed till then stays cached.
void add_missing_hashes(std::span<LibraryEntry> entries, const Context& context = {});

}  // namespace safelight

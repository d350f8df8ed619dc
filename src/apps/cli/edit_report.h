// What the commands that make a file of another's tensors have in common.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "apps/cli/commands.h"
#include "safelight/pending_tensor.h"
#include "safelight/sharded.h"
#include "safelight/writer.h"

namespace safelight::cli {

struct EditOptions {
  std::string output;
  int threads = 0;
  bool dry_run = false, compat = false, json = false;
};

// -o, --threads, --dry-run, --compat, --json. `output_help`: what -o names.
void add_edit_options(Command command, EditOptions& options, const std::string& output_help);

// Throws Error(usage) if there is neither an output nor --dry-run.
void check_output(const EditOptions& options);

// A file, a folder of shards, or an index.
ShardedTensors open(const std::string& path, const EditOptions& options);

std::uint64_t bytes_of(std::span<const PendingTensor> tensors);

// Writes the file, with progress and Ctrl-C, unless this is a dry run. Hashes that the metadata kept are made anew.
void write(std::span<const PendingTensor> tensors, const Metadata& metadata, const EditOptions& options);

// "nothing was written" or "written: NAME".
std::string outcome(const EditOptions& options);

// "output":...,"written":...
std::string outcome_json(const EditOptions& options);

}  // namespace safelight::cli

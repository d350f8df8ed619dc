// Which tensors a new file gets, and under which names. Everything here works on lists of PendingTensor: take them from
// files (tensors_of, join), change the list (keep, drop, rename), and write it with save() of writer.h, or in parts
// with save_parts(). Bytes are copied unchanged, a few tensors at a time; nothing is read before it is written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "safelight/context.h"
#include "safelight/pending_tensor.h"
#include "safelight/safetensors.h"
#include "safelight/sharded.h"

namespace safelight {

// The tensors of a file or a set, by shard, then in the order of their bytes; each keeps its file open.
// Throws Error(limit) if a dimension exceeds 2^63-1.
std::vector<PendingTensor> tensors_of(const ShardedTensors& files);

// The tensors of all files, one file after the other. Throws Error(usage) listing the names that several files have.
std::vector<PendingTensor> join(std::span<const SafeTensors> files);

// The metadata of all files; of a key with several values the first file's counts.
struct JoinedMetadata {
  Metadata metadata;
  std::vector<std::string> conflicts;  // keys that had several values, sorted
};
JoinedMetadata join_metadata(std::span<const SafeTensors> files);

// Without what describes the tensors that the file had: the hashes of content_hash.h, and those that trainers keep.
Metadata without_hashes(Metadata metadata);

// Those whose names fit one of the patterns, or those that fit none, in their order. Patterns as in a shell: * stands
// for any text (dots included), ? for a character, [a-z] for one of a set.
// Throws Error(model) naming a pattern that fits no tensor.
std::vector<PendingTensor> keep(std::vector<PendingTensor> tensors, std::span<const std::string> patterns);
std::vector<PendingTensor> drop(std::vector<PendingTensor> tensors, std::span<const std::string> patterns);

// Replaces what the regular expression (RE2's syntax: no backtracking, time linear in the name) finds in a name by
// `replacement`, in which \1 to \9 stand for what the groups found and \0 for all of it.
struct Substitution {
  std::string regex, replacement;
  bool every = false;  // every place, not only the first
};

// "s/REGEX/REPLACEMENT/" or with a g at the end for every place; another character may stand for the slash.
// Throws Error(usage).
Substitution parse_substitution(std::string_view text);

// A JSON object that maps names to names. Throws Error(io), Error(format).
std::map<std::string, std::string> read_name_map(const std::filesystem::path& path);

// What becomes of a name, one after the other: the map (whole names), the prefix that is taken off where it is there,
// the substitutions in their order, the prefix that is put before it.
struct Renaming {
  std::map<std::string, std::string> names{};
  std::string strip_prefix{};
  std::vector<Substitution> substitutions{};
  std::string add_prefix{};
};

struct RenamedTensor {
  std::string from, to;
};

// Returns what was renamed. Throws Error(usage) for a regular expression or replacement that is not one, and, with
// every tensor as it was, listing the names that several tensors would get.
std::vector<RenamedTensor> rename(std::vector<PendingTensor>& tensors, const Renaming& renaming);

// A file of a set.
struct Part {
  std::string file;  // its name, safe in any folder
  std::vector<PendingTensor> tensors;
};

// One part for each text before the first dot of a name, sorted by it: "unet.a" and "unet.b" go to "unet.safetensors".
// Bytes other than letters, digits, '_' and '-' become %XX in the file's name, so that no name leads out of a folder.
// Throws Error(limit) for a text beyond what file systems take as a name.
std::vector<Part> split_by_prefix(std::vector<PendingTensor> tensors);

// Parts of at most `bytes` of tensors (a larger tensor has a part of its own), filled in the order of the list and
// named as the field does: name-00001-of-00003.safetensors, or name.safetensors if all fits.
std::vector<Part> split_by_size(std::vector<PendingTensor> tensors, std::string_view name, std::uint64_t bytes);

// Writes the parts, each with the metadata, and, if they are several, name.safetensors.index.json, which says which
// tensor is where, into a new folder, which appears whole or not at all. Progress: bytes, stage "write".
// Throws Error(io), also if the folder is there and not empty, Error(cancelled), and what save() throws.
void save_parts(const std::filesystem::path& folder, std::string_view name, std::span<const Part> parts,
                const Metadata& metadata, const Context& context = {});

}  // namespace safelight

// Hashes of what is in a file, whatever order it is in. They find damage and tell whether two files hold the same
// tensors; they are no defence against a forger (XXH3 is not cryptographic). docs/format.md defines them exactly.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "safelight/context.h"
#include "safelight/safetensors.h"

namespace safelight {

// Where they are kept in __metadata__, each value being "xxh3-128:" and hexadecimal digits.
inline constexpr std::string_view kContentHashKey = "safelight.content_hash";    // 32 digits
inline constexpr std::string_view kTensorHashesKey = "safelight.tensor_hashes";  // 32 for each tensor, sorted by name

// "xxh3-128:..." of all tensors: names, dtypes, shapes and bytes; not of the metadata, nor of the order in the file.
// Reads every byte, with several threads. Progress: bytes, stage "hash". Throws Error(cancelled).
std::string content_hash(const SafeTensors& file, const Context& context = {});

// Both entries, as SaveOptions::hashes keeps them. Also for files that have none yet: see edit_metadata.h.
Metadata hash_metadata(const SafeTensors& file, const Context& context = {});

struct HashVerdict {
  bool kept = false;                   // the file keeps hashes in its metadata (of a form that is known here)
  bool matches = false;                // they were kept, and its tensors are still the same
  std::string content;                 // the content's hash, computed now
  std::vector<std::string> changed{};  // names of tensors whose bytes have changed, sorted; empty if it cannot be told:
                                       // hashes of the tensors are not kept, or are not as many as there are tensors
};

// Compares a file with the hashes that it keeps. Throws as content_hash does.
HashVerdict verify(const SafeTensors& file, const Context& context = {});

}  // namespace safelight

// The hashes by which programs and model sites name a file.
#pragma once

#include <filesystem>
#include <string>

#include "safelight/context.h"

namespace safelight {

// All as lower-case hexadecimal digits. SafeTensors means what compat mode accepts.
struct FileHashes {
  std::string sha256;       // of the whole file
  std::string autov1;       // 8 digits: SHA-256 of the 64 KiB at 1 MiB, the old "model hash" of A1111 (weak: it says
                            // nothing of the rest, and all files below 1 MiB share e3b0c442)
  std::string autov2;       // 10 digits of sha256: the model hash of A1111
  std::string data_sha256;  // of what follows the header: the same after an edit of the metadata. Also known as
                            // sshs_model_hash and modelspec.hash_sha256. Empty unless the file is SafeTensors
  std::string autov3;       // 12 digits of data_sha256: the LoRA hash of A1111
  std::string content;      // "xxh3-128:" and 32 digits: our hash of the tensors in whatever order (content_hash.h).
                            // Empty unless the file is SafeTensors
};

struct HashOptions {
  // Take the hashes from the cache if the file has the size and the time of modification that it had when they were
  // computed, and put them there otherwise. The cache is $XDG_CACHE_HOME/safelight/hashes/ (~/.cache without the
  // variable), one small file for each hashed one; it may be deleted at any time, and what is damaged in it is ignored.
  bool cache = true;
};

// Reads the file once, in bounded memory; the hashes are computed side by side.
// Progress: bytes, stage "hash". Throws Error(io), Error(cancelled).
FileHashes hash_file(const std::filesystem::path& path, const HashOptions& options = {}, const Context& context = {});

}  // namespace safelight

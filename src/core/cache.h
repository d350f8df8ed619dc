// What can be computed again, kept between runs: small texts in $XDG_CACHE_HOME/safelight, else ~/.cache/safelight.
// Each entry is a file of its own that is put in its place by renaming, so that any number of processes may read and
// write at once. Nothing here throws for what the folder or the files may be: without a cache there is merely more to
// compute.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace safelight {

// `kind` names the folder, `key` the entry: any text, of which the file's name is a hash.

// The text that was written last. Nothing if there is none, or if it is damaged: its last line is a check of the rest.
std::optional<std::string> read_cache(std::string_view kind, std::string_view key);

void write_cache(std::string_view kind, std::string_view key, std::string text);

}  // namespace safelight

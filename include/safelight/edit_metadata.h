// Changing the metadata of a file without writing its tensors again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "safelight/context.h"
#include "safelight/safetensors.h"
#include "safelight/save_report.h"

namespace safelight {

struct MetadataEdits {
  std::vector<std::string> remove{};  // keys that must be there; removed before anything is set
  Metadata set{};                     // added, or put in the place of what was there
};

enum class EditWay {
  unchanged,       // the file says so already
  in_place,        // only the header was written
  shared_extents,  // a new file that shares the tensors' blocks on the disk with the old one
  kernel_copy,     // a new file, copied by the kernel or by the file server
  copy,            // a new file, copied by us
};
std::string_view name(EditWay way) noexcept;  // "in-place", "shared-extents", ...

struct EditOptions {
  // Where the result goes; empty: to the file itself. Then nothing is done in place and the file stays as it is.
  std::filesystem::path output{};

  // Spare bytes that the header is to have afterwards. Where it has fewer, the file is copied with a larger header.
  std::uint64_t slack = 0;

  // Flush to the disk, as in SaveOptions. Without, an edit in place still survives the end of the process.
  bool durable = true;
};

struct EditReport {
  EditWay way = EditWay::unchanged;
  std::uint64_t slack = 0;  // spare bytes that the header has now
  SaveReport save{};
};

// If the new metadata fits the spaces in the header and the file is the caller's own, the header is changed in place:
// O(header), whatever the size of the file. Otherwise the file is copied with a header that is longer by whole blocks
// of 4096 bytes, so that copies can share the tensors' blocks where the file system can (btrfs, XFS, ...), and the
// alignment stays; the rest of the last block is room for later edits. A copy takes the file's place by renaming, as
// save() does.
//
// An edit in place is written to a journal beside the file first (".NAME.safelight-journal"). What is guaranteed:
// - the end of the process at any moment (kill -9): whoever opens the file with this library sees the old metadata or
//   the new; opening finishes what the journal says. So do other programs, unless the process ended while the kernel
//   was inside the one write of the header and the changed bytes lie in more than one page of 4096 bytes.
// - a power loss at any moment (with `durable`): the same; for other programs, if the changed bytes lie in one sector
//   of the disk.
// - the tensors' bytes are never touched.
// Edits of one file exclude each other (flock), where the file system can lock.
//
// A symbolic link is followed; the mode stays. Progress: bytes, stage "copy", when it copies. Throws Error(io) for what
// is not a regular file, cannot be written or is read-only, Error(format) for a file that is not valid (strict),
// Error(usage) for a key to be removed that is not there or text that is not UTF-8, Error(limit) for a header beyond
// what readers accept, Error(cancelled). On any error the file is as it was.
EditReport edit_metadata(const std::filesystem::path& path, const MetadataEdits& edits, const EditOptions& options = {},
                         const Context& context = {});

// Reads {"key": "value", ...}, a JSON object of strings. Throws Error(format).
Metadata parse_metadata(std::string_view json);

}  // namespace safelight

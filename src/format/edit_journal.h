// Changing bytes of a file in place so that the end of the process, or a power loss, cannot leave them half changed.
//
// The change is first written to a journal beside the file, ".NAME.safelight-journal":
//
//   "safelight metadata edit 1\n"
//   five u64, little-endian: the file's length, the header's end, offset and length of the changed bytes, 0
//   XXH3-128 of the header without the changed bytes
//   the bytes before the change, the bytes after it
//   XXH3-128 of all of the above
//
// Then the bytes are written, and the journal is removed. Whoever finds a journal holds it against the file: if every
// byte is as before or as after, the change is finished; otherwise the journal is about another file and is removed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/file_descriptor.h"
#include "safelight/save_report.h"

namespace safelight {

// Bytes of a header. Both texts have the same length.
struct HeaderChange {
  std::uint64_t file_bytes = 0;
  std::uint64_t header_end = 0;  // 8 + N
  std::uint64_t offset = 0;
  std::string before{}, after{};
};

// Opens the file that `real` (a path without links) names and locks it against other edits, waiting for them; where
// the file system has no locks, does without. Whoever waited finds the file that now has the name.
// -1 with errno if it cannot be opened so.
FileDescriptor open_for_edit(const std::filesystem::path& real, int flags);

// Makes the change to the file behind `file`, locked, which is `real`. False, and nothing is changed, if the file
// belongs to somebody else, the file system cannot write in place, the journal's name would be too long, or a
// stranger's file has it. Throws Error(io); then the bytes are as before, or the message says that they are half
// changed and that opening the file finishes the change.
bool change_in_place(int file, const std::filesystem::path& real, const HeaderChange& change, bool durable,
                     SaveReport& report);

// Does what the journal beside the locked file says, if there is one.
// Throws Error(io) if the file is half changed and cannot be written.
void replay_journal(int file, const std::filesystem::path& real);

// The same for whoever is about to read the file, or has just read it: true if there was a journal, so that what was
// read may have been half changed. A few system calls, none of which opens the file, if there is none.
bool finish_interrupted_edit(const std::filesystem::path& path);

}  // namespace safelight

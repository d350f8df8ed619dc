// Reading the bytes of a mapped file that another process may shorten.
//
// What is guaranteed when a file is truncated, or its disk fails, after SafeTensors::open():
//   - open(), read() and everything in read.h and slice.h copy with system calls or under a guard of their own: they
//     throw Error(io) that names file and offset.
//   - Whoever touches the bytes of a borrowed tensor (SafeTensors::tensor()) gets SIGBUS, as with any mapped file,
//     unless a MappingGuard for the file lives. Under one, lost bytes read as zeros, and check() throws Error(io).
//   - Bytes lost at the end of the file's last page may read as zeros without a signal: only check() tells.
// A file that is changed in place, without becoming shorter, is not noticed by anybody.
#pragma once

#include <memory>

#include "safelight/safetensors.h"

namespace safelight {

class MappedFile;

// While it lives, a SIGBUS handler is installed for the process: it minds faults on guarded files only, and passes all
// others on to the handler that was there before, which is restored when the last guard goes (unless somebody else
// installed one meanwhile). Any number of guards, files and threads; the bytes may be read from any thread.
//
//   const MappingGuard guard(file);
//   const double sum = add_up(file.tensor("weight"));
//   guard.check();      // before the sum is believed
class MappingGuard {
 public:
  // Does nothing for bytes in memory (parse()). Throws Error(limit) if more than 4096 files are mapped.
  explicit MappingGuard(const SafeTensors& file);
  ~MappingGuard();
  MappingGuard(const MappingGuard&) = delete;
  MappingGuard& operator=(const MappingGuard&) = delete;

  // Throws Error(io), naming file and offset, if the file has lost bytes since it was opened. Once lost, it stays lost:
  // open it again.
  void check() const;

 private:
  std::shared_ptr<const MappedFile> mapping_;
};

}  // namespace safelight

// What writing a file could guarantee.
#pragma once

#include <string>

namespace safelight {

// On an ordinary file system both are true and the note is empty.
struct SaveReport {
  bool atomic = true;   // the old file, or the new one, was there whole at every moment
  bool durable = true;  // the new file is on the disk: it was flushed, and so was its folder
  std::string note;     // what was not to be had and why, for people; empty if there is nothing to say
};

}  // namespace safelight

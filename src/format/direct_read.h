// Reading past the page cache.
#pragma once

#include "core/file_descriptor.h"
#include "format/read_jobs.h"

namespace safelight {

// The same file, opened with O_DIRECT: invalid if its file system has no such thing. It is not looked up by name, so it
// is the same file whatever happened to the name.
FileDescriptor open_direct(int fd);

// Carries out the jobs, with as many reads under way as the jobs have buffers: by io_uring if the kernel lets us, or
// else by pread() on `threads` threads. Returns whether it was io_uring. Throws as read.h says.
bool read_direct(const SafeTensors& file, int past_cache, ReadJobs& jobs, int threads);

}  // namespace safelight

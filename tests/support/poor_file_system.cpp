// Loaded into the program in front of the C library (LD_PRELOAD): renaming fails as on many mounts of object stores.
#include <cerrno>

extern "C" int renameat(int /*from_folder*/, const char* /*from*/, int /*to_folder*/, const char* /*to*/) noexcept {
  errno = ENOSYS;
  return -1;
}

// Pictures on disk.
#include "core/atomic_file.h"
#include "core/mapped_file.h"
#include "core/printable.h"
#include "safelight/picture.h"

namespace safelight {

PictureFile read_picture(const std::filesystem::path& path) {
  const std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  return decode_picture(file->bytes(), printable(path.native()));
}

void write_picture(const std::filesystem::path& path, const Picture& picture, const PictureText& text,
                   const PictureOptions& options) {
  write_file_atomically(path, encode_picture(picture_format(path), picture, text, options));
}

PictureFile read_png(const std::filesystem::path& path) {
  const std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  return decode_png(file->bytes(), printable(path.native()));
}

void write_png(const std::filesystem::path& path, const Picture& picture, const PictureText& text) {
  write_file_atomically(path, encode_png(picture, text));
}

}  // namespace safelight

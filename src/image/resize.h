// Resampling with the Lanczos kernel of three lobes (Duchon 1979): the usual choice for photographs and pictures.
#pragma once

#include "safelight/mask.h"
#include "safelight/picture.h"

namespace safelight {

// The picture at another size; when made smaller the kernel widens, so that nothing aliases. Sides keep their order:
// width and height are scaled independently. REQUIRES: width, height >= 1, and a picture that is not empty.
Picture resize(const Picture& picture, std::int64_t width, std::int64_t height);
Mask resize(const Mask& mask, std::int64_t width, std::int64_t height);

}  // namespace safelight

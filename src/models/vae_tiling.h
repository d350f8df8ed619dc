// Decoding and encoding a large picture in parts, so that the network's feature maps exist for one part at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "models/vae.h"

namespace safelight {

// Sides of a tile in latent pixels, multiples of 4; 0, or as long as the latents: not divided.
struct VaeTiles {
  std::int64_t height = 0, width = 0;
};

// Begin and end of the tiles of one axis: each overlaps the next by a quarter of `tile`, the last ends at `length`.
struct TileSpan {
  std::int64_t begin, end;
};
std::vector<TileSpan> tile_spans(std::int64_t length, std::int64_t tile);

// The smallest side with which `count` tiles or fewer cover the length, so that all are about as large.
std::int64_t tile_side(std::int64_t length, std::int64_t count);

using OnTile = std::function<void(std::int64_t done, std::int64_t total)>;

// decoder(z), tile by tile. Where tiles overlap, one fades into the next linearly, first downwards, then to the right.
// This is AutoencoderKL.tiled_decode of diffusers (overlap factor 0.25), but for its last row and column of tiles
// where the tiles before already reach the edge: they are left out here.
// An approximation: a tile's group norms and attention see that tile alone, so that its tones may differ a little from
// those of the whole. Equal to decoder(z) if there is one tile. `on_tile` is called after each; it may be empty.
Tensor decode_in_tiles(VaeDecoder& decoder, const Tensor& z, const VaeTiles& tiles, Backend& backend,
                       const OnTile& on_tile = {});

// encoder(picture) in the same way, as AutoencoderKL.tiled_encode: the moments fade into each other.
LatentDistribution encode_in_tiles(VaeEncoder& encoder, const Tensor& picture, const VaeTiles& tiles, Backend& backend,
                                   const OnTile& on_tile = {});

}  // namespace safelight

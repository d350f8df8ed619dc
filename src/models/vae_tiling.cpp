#include "models/vae_tiling.h"

#include <algorithm>

namespace safelight {
namespace {

constexpr std::int64_t kParts = 4;  // a tile overlaps the next by one of so many

// The pixel at (y, x) of an image.
float* at(Tensor& t, std::int64_t image, std::int64_t y, std::int64_t x) {
  return t.mutable_floats().data() + ((image * t.dim(1) + y) * t.dim(2) + x) * t.dim(3);
}
const float* at(const Tensor& t, std::int64_t image, std::int64_t y, std::int64_t x) {
  return t.floats().data() + ((image * t.dim(1) + y) * t.dim(2) + x) * t.dim(3);
}

// Copies all of `from` to where it has its first pixel at (y, x).
void place(const Tensor& from, std::int64_t y, std::int64_t x, Tensor& to) {
  for (std::int64_t image = 0; image < from.dim(0); ++image)
    for (std::int64_t row = 0; row < from.dim(1); ++row)
      std::copy_n(at(from, image, row, 0), from.dim(2) * from.dim(3), at(to, image, y + row, x));
}

// A copy of rows [y.begin, y.end), columns [x.begin, x.end).
Tensor part(const Tensor& from, const TileSpan& y, const TileSpan& x, Backend& backend) {
  Tensor result = backend.empty({from.dim(0), y.end - y.begin, x.end - x.begin, from.dim(3)});
  backend.touch([&] {
    for (std::int64_t image = 0; image < from.dim(0); ++image)
      for (std::int64_t row = y.begin; row < y.end; ++row)
        std::copy_n(at(from, image, row, x.begin), result.dim(2) * result.dim(3), at(result, image, row - y.begin, 0));
  });
  return result;
}

// The first rows of `to` fade in where `from` fades out.
void fade_down(const Tensor& from, Tensor& to) {
  const std::int64_t rows = from.dim(1), values = to.dim(2) * to.dim(3);
  for (std::int64_t image = 0; image < to.dim(0); ++image)
    for (std::int64_t row = 0; row < rows; ++row) {
      const float weight = static_cast<float>(row) / static_cast<float>(rows);
      const float* old = at(from, image, row, 0);
      float* values_of_row = at(to, image, row, 0);
      for (std::int64_t i = 0; i < values; ++i) values_of_row[i] = old[i] * (1 - weight) + values_of_row[i] * weight;
    }
}

// Likewise its first columns.
void fade_right(const Tensor& from, Tensor& to) {
  const std::int64_t columns = from.dim(2), channels = to.dim(3);
  for (std::int64_t image = 0; image < to.dim(0); ++image)
    for (std::int64_t row = 0; row < to.dim(1); ++row)
      for (std::int64_t column = 0; column < columns; ++column) {
        const float weight = static_cast<float>(column) / static_cast<float>(columns);
        const float* old = at(from, image, row, column);
        float* pixel = at(to, image, row, column);
        for (std::int64_t c = 0; c < channels; ++c) pixel[c] = old[c] * (1 - weight) + pixel[c] * weight;
      }
}

TileSpan last_of(std::int64_t length, std::int64_t count) { return {length - count, length}; }

TileSpan scaled(const TileSpan& span, std::int64_t factor) { return {span.begin * factor, span.end * factor}; }

// A network that is run tile by tile: pixels of its input and of its output for each latent pixel.
struct Tiled {
  std::function<Tensor(const Tensor&)> network;
  std::int64_t in, out;
};

Tensor run_in_tiles(const Tiled& tiled, const Tensor& x, const VaeTiles& tiles, Backend& backend,
                    const OnTile& on_tile) {
  const std::int64_t height = x.dim(1) / tiled.in, width = x.dim(2) / tiled.in;
  const std::vector<TileSpan> rows = tile_spans(height, tiles.height), columns = tile_spans(width, tiles.width);
  if (rows.size() * columns.size() == 1) return tiled.network(x);
  const std::int64_t total = std::ssize(rows) * std::ssize(columns);
  const std::int64_t seam_height = tiles.height / kParts * tiled.out, seam_width = tiles.width / kParts * tiled.out;
  Tensor result;
  std::vector<Tensor> above(columns.size());  // the last rows of the tiles above
  std::int64_t done = 0;
  for (const TileSpan& row : rows) {
    Tensor left;  // the last columns of the tile before
    for (std::size_t j = 0; j < columns.size(); ++j) {
      const TileSpan& column = columns[j];
      Tensor tile = tiled.network(part(x, scaled(row, tiled.in), scaled(column, tiled.in), backend));
      if (!result) result = backend.empty({x.dim(0), height * tiled.out, width * tiled.out, tile.dim(3)});
      backend.touch([&] {
        if (above[j]) fade_down(above[j], tile);
        if (left) fade_right(left, tile);
        place(tile, row.begin * tiled.out, column.begin * tiled.out, result);  // the next ones replace their overlap
      });
      if (row.end < height) above[j] = part(tile, last_of(tile.dim(1), seam_height), {0, tile.dim(2)}, backend);
      if (column.end < width) left = part(tile, {0, tile.dim(1)}, last_of(tile.dim(2), seam_width), backend);
      if (on_tile) on_tile(++done, total);
    }
  }
  return result;
}

}  // namespace

std::vector<TileSpan> tile_spans(std::int64_t length, std::int64_t tile) {
  if (tile == 0 || tile >= length) return {{0, length}};
  std::vector<TileSpan> spans{{0, tile}};
  while (spans.back().end < length) {
    const std::int64_t begin = spans.back().begin + tile - tile / kParts;
    spans.push_back({begin, std::min(begin + tile, length)});
  }
  return spans;
}

std::int64_t tile_side(std::int64_t length, std::int64_t count) {
  const std::int64_t quarters = kParts + (kParts - 1) * (count - 1);  // that `count` tiles cover together
  return kParts * ((length + quarters - 1) / quarters);
}

Tensor decode_in_tiles(VaeDecoder& decoder, const Tensor& z, const VaeTiles& tiles, Backend& backend,
                       const OnTile& on_tile) {
  return run_in_tiles({[&](const Tensor& tile) { return decoder(tile); }, 1, decoder.factor()}, z, tiles, backend,
                      on_tile);
}

LatentDistribution encode_in_tiles(VaeEncoder& encoder, const Tensor& picture, const VaeTiles& tiles, Backend& backend,
                                   const OnTile& on_tile) {
  const Tiled tiled{[&](const Tensor& tile) { return encoder.moments(tile); }, encoder.factor(), 1};
  return encoder.distribution(run_in_tiles(tiled, picture, tiles, backend, on_tile));
}

}  // namespace safelight

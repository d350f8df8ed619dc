"""Mountains: their colour, their number, and snow on them."""
import numpy as np

from ..papercut import draw, palette as p
from ..papercut.shapes import convex_polygon
from .pixels import distance, mask_of
from .sky import to_clear_sky

ROWS = slice(40, 76)          # between the highest peak and the nearest hill
SMALLEST_FIT = .42            # of mountains with their outlines; a sail of a mountain's colour reaches less


def _silhouettes():
    """The area that one, two or three mountains of middling size cover."""
    shapes = {}
    for number in (1, 2, 3):
        half, peak = draw.MOUNTAIN_SIZE[number]
        triangles = [mask_of(convex_polygon([(x, peak), (x + half, draw.MOUNTAIN_FOOT), (x - half, draw.MOUNTAIN_FOOT)])) for x in draw.MOUNTAIN_PLACES[number]]
        shapes[number] = np.any(triangles, 0)[ROWS]
    return shapes


SILHOUETTES = _silhouettes()


def mountain_shades(colour, time, horizon):
    paper = p.lit(p.COLOURS[colour], time, .7)
    return [paper * (1 - distant) + horizon * distant for distant in (.08, .18)]


def detect_mountains(pixels, time, weather):
    """The colour and the number whose outlines what is there fills best; none when it fills them badly."""
    horizon = draw.sky_colours(dict(time=time, weather=None if weather == "none" else weather))[1]
    view, to_sky = pixels[ROWS], to_clear_sky(pixels, ROWS, time, weather)
    to_snow = distance(view, p.lit(draw.SNOW, time, .5))
    to_colours = np.stack([np.min([distance(view, shade) for shade in mountain_shades(name, time, horizon)], 0) for name in p.MOUNTAIN_COLOURS])
    nearest = np.argmin(to_colours, 0)
    snow = (to_snow < .17) & (to_snow < to_sky) & (to_snow < to_colours.min(0))
    best, best_score = (0, None), SMALLEST_FIT
    for index, colour in enumerate(p.MOUNTAIN_COLOURS):
        cover = (nearest == index) & (to_colours[index] < .14) & (to_colours[index] < to_sky)
        if cover.sum() < 100:
            continue
        for number, outline in SILHOUETTES.items():
            score = max(_overlap((cover | snow)[:height], outline[:height]) for height in (18, 36))
            if score > best_score:
                best, best_score = (number, colour), score
    number, colour = best
    return {"mountain number": number, "mountain colour": colour, "snow caps": _caps(snow, number) if number else "none"}


def _overlap(mask, outline):
    return (mask & outline).sum() / (mask | outline).sum()


def _caps(snow, number):
    """Snow where most of the peaks are."""
    _, peak = draw.MOUNTAIN_SIZE[number]
    shares = []
    for x in draw.MOUNTAIN_PLACES[number]:
        shares.append(max(snow[peak + dy - ROWS.start:peak + dy + 6 - ROWS.start, int(x) + dx - 3:int(x) + dx + 4].mean()
                          for dy in (4, 6, 8) for dx in (-3, 0, 3)))
    return "caps" if np.mean(shares) > .4 else "none"

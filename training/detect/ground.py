"""Hills, the sea or a lake: where there is water."""
import numpy as np

from ..papercut import draw, palette as p
from .pixels import distance, mask_of


CLOSE = .13                   # as far as a pixel's colour may be from a colour of water or land to count
SEA_ROWS = slice(85, 97)      # above any lake


def ground_colours(time, horizon):
    """The colours of water and of every kind of land in this light, layer by layer: (water, land)."""
    papers = [p.lit(p.COLOURS[name], time, .85) for name in p.GROUND_COLOURS] + [p.lit(draw.SNOW, time, .85)]
    land = [colour for paper in papers for colour in (paper * .78 + horizon * .20, paper * .84 + horizon * .03, paper * .72)]
    water = p.lit(draw.WATER, time, .75)
    return [water * (1 - .13 * layer) + horizon * (.24 - .12 * layer) for layer in range(3)] + [water], land


def detect_ground(pixels, time, weather):
    """Wet and dry pixels vote; houses, boats and trees in front are near to neither."""
    horizon = draw.sky_colours(dict(time=time, weather=None if weather == "none" else weather))[1]
    to_water, to_land = (np.min([distance(pixels, colour) for colour in colours], 0) for colours in ground_colours(time, horizon))
    wet, dry = (to_water < to_land) & (to_water < CLOSE), (to_land <= to_water) & (to_land < CLOSE)
    if wet[SEA_ROWS].sum() > dry[SEA_ROWS].sum():
        return "sea"
    lake = mask_of(lambda x, y: np.hypot((x - 64) / 48, (y - 111) / 11) - 1)
    return "lake" if wet[lake].sum() > dry[lake].sum() else "hills"

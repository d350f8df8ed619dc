"""What the upper half of a landscape shows: time of day, weather, stars, the sun or the moon, clouds."""
import numpy as np

from ..papercut import draw, palette as p
from .pixels import box_mean, distance, regions

CLEAR_ROWS = [*range(0, 9), *range(35, 41)]      # above and below clouds, above mountains
BODY_ROWS = 46                                   # the sun and the moon are above this row
WHITE_SPOT = .11                                 # how much brighter than its surroundings a flake or a streak is


def detect_sky(pixels):
    time, overcast = _time(pixels)
    weather = _weather(pixels, time, overcast)
    found = {"time": time, "weather": weather, "body": _body(pixels, time), "clouds": _clouds(pixels, time, weather)}
    found["stars"] = "stars" if time == "night" and weather == "none" and _star_count(pixels) >= 3 else "none"
    return found


def _time(pixels):
    """The time of day whose sky is nearest, and whether it is overcast."""
    rows = np.median(pixels[CLEAR_ROWS], 1)
    fade = np.clip((np.array(CLEAR_ROWS) + .5) / draw.SKY_BOTTOM, 0, 1)[:, None]

    def error(candidate):
        time, overcast = candidate
        top, horizon = draw.sky_colours(dict(time=time, weather="snow" if overcast else None))
        return np.abs(rows - (top * (1 - fade) + horizon * fade)).mean()
    return min(((time, overcast) for time in p.TIMES for overcast in (False, True)), key=error)


def to_clear_sky(pixels, rows, time, weather):
    """How far the pixels of some rows are from the bare sky."""
    top, horizon = draw.sky_colours(dict(time=time, weather=None if weather == "none" else weather))
    fade = np.clip((np.arange(len(pixels), dtype=np.float32)[rows] + .5) / draw.SKY_BOTTOM, 0, 1)[:, None, None]
    return distance(pixels[rows], top * (1 - fade) + horizon * fade)


def bright_spots(pixels):
    """Small regions brighter than their surroundings."""
    dark = pixels.min(-1)
    return [spot for spot in regions(dark - box_mean(dark, 7) > WHITE_SPOT, 6) if spot.area < 90]


def _weather(pixels, time, overcast):
    spots = bright_spots(pixels)
    streaks = sum(spot.height >= 10 and spot.height > 1.4 * spot.width for spot in spots)
    flakes = sum(3 <= spot.height <= 9 and 3 <= spot.width <= 9 for spot in spots)
    low_flakes = sum(3 <= spot.height <= 9 and 3 <= spot.width <= 9 and spot.ys.min() > 64 for spot in spots)
    if streaks >= 4 and streaks >= .5 * flakes:
        return "rain"
    if time == "night":
        return "snow" if low_flakes >= 4 else "none"
    return "snow" if overcast else "none"


def _star_count(pixels):
    sky = pixels[:62]
    bright = sky.min(-1) - box_mean(sky.min(-1), 7)
    yellow = sky[..., 0] - sky[..., 2] > .02
    return sum(5 <= spot.area < 90 for spot in regions((bright > .15) & yellow))


def _body(pixels, time):
    """One sun or one moon, by colour and size; "several" when there are more."""
    sky = pixels[:BODY_ROWS]
    if time == "night":
        found = [spot for spot in regions(distance(sky, (.97, .95, .86)) < .26, 130)]
    else:
        found = [spot for spot in regions(distance(sky, draw.SUN[time]) < .17, 130)]
    found = [spot for spot in found if spot.area < 1100]
    if not found:
        return "none"
    if len(found) > 1 and found[1].area > .35 * found[0].area:
        return "several"
    if time != "night":
        return "sun"
    return "full moon" if _fullness(found[0]) > .74 else "crescent moon"


def _fullness(region):
    """The share of the disc around a region that it fills."""
    side = max(region.height, region.width)
    return region.area / (np.pi / 4 * side * side)


def _clouds(pixels, time, weather):
    """How many of the three places above hold a cloud."""
    colour = draw.CLOUD[time] * (.82 if weather != "none" and time != "night" else 1)
    to_cloud = distance(pixels[:BODY_ROWS], colour)
    close = (to_cloud < .17) & (to_cloud < to_clear_sky(pixels, slice(0, BODY_ROWS), time, weather))
    if time == "night":
        close &= pixels[:BODY_ROWS, :, 2] - pixels[:BODY_ROWS, :, 0] > .1
    number = 0
    for x in draw.SLOT.values():
        covers = (close[y - 8:y + 5, max(0, int(x) + dx - 10):int(x) + dx + 11].mean() for y in (21, 24, 27, 30) for dx in (-3, 0, 3))
        number += max(covers) > .55
    return number

"""What the upper half of a landscape shows: time of day, weather, stars, the sun or the moon, clouds."""
import numpy as np

from ..papercut import draw, palette as p
from .pixels import box_mean, distance, regions

CLEAR_ROWS = [*range(0, 9), *range(35, 41)]      # above and below clouds, above mountains
BODY_ROWS = 46                                   # the sun and the moon are above this row
FAINT_SPOT, TALL, SKY_ROWS = .04, 1.3, 66        # a faint spot's brightness; where streaks begin and flakes end; rows without houses
LOW_ROW = 80                                     # below it no star shines and flakes still fall
WHITE_SPOT = .11                                 # how much brighter than its surroundings a flake or a streak is


def detect_sky(pixels):
    time, overcast = _time(pixels)
    weather = _weather(pixels, time, overcast)
    body, bodies = _bodies(pixels, time)
    found = {"time": time, "weather": weather, "body": body, "body number": bodies, "clouds": _clouds(pixels, time, weather)}
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
    low_flakes = sum(3 <= spot.height <= 9 and 3 <= spot.width <= 9 and spot.ys.min() > LOW_ROW for spot in spots)
    if streaks >= 4 and streaks >= .5 * flakes:
        return "rain"
    if time == "night":
        return "snow" if low_flakes >= 4 else "none"
    if not overcast:
        return "none"
    return "rain" if _tallness(pixels) > TALL else "snow"


def _tallness(pixels):
    """How tall faint spots in front of an overcast sky are for their width: soft streaks are too pale to count one by one."""
    dark = pixels[:SKY_ROWS].min(-1)
    spots = [spot for spot in regions(dark - box_mean(dark, 7) > FAINT_SPOT, 8) if spot.area < 90]
    return float(np.median([spot.height / spot.width for spot in spots])) if spots else 0.0


def _star_count(pixels):
    sky = pixels[:62]
    bright = sky.min(-1) - box_mean(sky.min(-1), 7)
    yellow = sky[..., 0] - sky[..., 2] > .02
    return sum(5 <= spot.area < 90 for spot in regions((bright > .15) & yellow))


def _bodies(pixels, time):
    """The kind of the largest sun or moon, and how many there are."""
    sky = pixels[:BODY_ROWS]
    if time == "night":
        found = regions(distance(sky, draw.MOON) < .26, 130)
    else:
        found = regions(distance(sky, draw.SUN[time]) < .17, 130)
    found = [spot for spot in found if spot.area < 1100]
    if not found:
        return "none", 0
    number = sum(spot.area > .35 * found[0].area for spot in found)
    if time != "night":
        return "sun", number
    return "full moon" if _fullness(found[0]) > .8 else "crescent moon", number


def _fullness(region):
    """Its area as a share of that of the disc with the same spread: 1 for a disc, whatever small thing touches it."""
    return region.area / (2 * np.pi * (region.xs.var() + region.ys.var()))


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

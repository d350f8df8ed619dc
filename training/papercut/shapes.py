"""A canvas of paper layers: anti-aliased shapes given by signed distance, each over its soft drop shadow.

Coordinates are in 1/128 of the picture, whatever its size in pixels, with y pointing down. A distance function takes x of shape
(1, width) and y of shape (height, 1) and returns distances that broadcast to (height, width), negative inside.
"""
import numpy as np

PICTURE = 128.0


class Canvas:
    """A square picture of float colours in 0..1 that layers are painted on."""

    def __init__(self, size):
        self.size = size
        self.scale = size / PICTURE
        self.pixels = np.ones((size, size, 3), np.float32)

    def rows(self):
        """The y coordinate of every pixel row, as a column."""
        return ((np.arange(self.size, dtype=np.float32) + .5) / self.scale)[:, None]

    def paint(self, box, distance, colour, shadow=.30, alpha=1.0, offset=(1, 2), softness=5.0):
        """Fill where distance < 0 inside box (left, top, right, bottom), over a shadow moved by offset."""
        scale, reach = self.scale, softness / 2 if shadow else 0
        right, down = (int(round(v * scale)) for v in offset) if shadow else (0, 0)
        left, top = (max(0, int((v - reach - 1) * scale) + min(0, move)) for v, move in zip(box[:2], (right, down)))
        end_x, end_y = (min(self.size, int((v + reach + 2) * scale) + 1 + max(0, move)) for v, move in zip(box[2:], (right, down)))
        if end_x <= left or end_y <= top:
            return
        # One evaluation serves the shape and its shadow, which is the same distances some pixels further on.
        grow_x, grow_y = abs(right), abs(down)
        x = (np.arange(left - grow_x, end_x + grow_x, dtype=np.float32)[None] + .5) / scale
        y = (np.arange(top - grow_y, end_y + grow_y, dtype=np.float32)[:, None] + .5) / scale
        field = np.broadcast_to(distance(x, y), (y.shape[0], x.shape[1]))
        height, width = end_y - top, end_x - left
        target = self.pixels[top:end_y, left:end_x]
        if shadow:
            moved = field[grow_y - down:grow_y - down + height, grow_x - right:grow_x - right + width]
            dark = np.clip(.5 - moved / softness, 0, 1)
            target *= 1 - (dark * dark * (3 - 2 * dark) * shadow)[..., None]
        cover = np.clip(.5 - field[grow_y:grow_y + height, grow_x:grow_x + width] * scale, 0, 1)[..., None] * alpha
        target += cover * (np.asarray(colour, np.float32) - target)

    def circle(self, x, y, radius, colour, **style):
        self.paint((x - radius, y - radius, x + radius, y + radius), lambda px, py: np.hypot(px - x, py - y) - radius, colour, **style)

    def convex(self, points, colour, **style):
        """A convex polygon, its corners clockwise on the screen."""
        self.paint(_bounds(points), convex_polygon(points), colour, **style)

    def star(self, x, y, radius, colour, tips=5, inner=.42, **style):
        self.paint((x - radius, y - radius, x + radius, y + radius), star(x, y, radius, tips, inner), colour, **style)

    def below(self, curve, colour, **style):
        """Everything below y = curve(x), its shadow falling upwards on what lies behind."""
        def distance(x, y):
            slope = curve(x + .5) - curve(x - .5)
            return (curve(x) - y) / np.sqrt(1 + slope * slope)
        highest = float(curve(np.linspace(-2, PICTURE + 2, 67)).min())
        self.paint((-2, highest - 2, PICTURE + 2, PICTURE + 2), distance, colour, offset=(0, -2), softness=6.0, **style)


def _bounds(points):
    corners = np.asarray(points, np.float32)
    return (*corners.min(0), *corners.max(0))


def convex_polygon(points):
    corners = np.asarray(points, np.float32)
    edges = np.roll(corners, -1, 0) - corners
    normals = np.stack([edges[:, 1], -edges[:, 0]], 1) / np.hypot(edges[:, 0], edges[:, 1])[:, None]

    def distance(x, y):
        result = None
        for (nx, ny), (cx, cy) in zip(normals, corners):
            side = nx * (x - cx) + ny * (y - cy)
            result = side if result is None else np.maximum(result, side)
        return result
    return distance


def star(x, y, radius, tips, inner):
    """A star standing on two tips: the plane folded onto half a tip, then one straight edge."""
    half = np.pi / tips
    edge_x, edge_y = inner * np.cos(half) - 1, inner * np.sin(half)
    length = np.hypot(edge_x, edge_y)
    normal_x, normal_y = edge_y / length, -edge_x / length

    def distance(px, py):
        dx, dy = px - x, py - y
        angle = np.arctan2(dx, -dy)
        folded = np.abs((angle + half) % (2 * half) - half)
        away = np.hypot(dx, dy)
        return normal_x * (away * np.cos(folded) - radius) + normal_y * away * np.sin(folded)
    return distance


def heart(x, y, radius):
    """A square standing on its corner with half a disc on each upper side."""
    half = radius * .88
    centre = y + radius * .10
    lobe = half / np.sqrt(2)

    def distance(px, py):
        dx, dy = np.abs(px - x), py - centre
        square = (dx + np.abs(dy) - half) / np.sqrt(2)
        return np.minimum(square, np.hypot(dx - half / 2, dy + half / 2) - lobe)
    return distance


def cloud(x, y, scale):
    def distance(px, py):
        puffs = np.minimum(np.hypot(px - x, py - y + 3 * scale) - 8 * scale, np.hypot(px - x + 9 * scale, py - y - scale) - 5.5 * scale)
        puffs = np.minimum(puffs, np.hypot(px - x - 9 * scale, py - y - scale) - 6 * scale)
        return np.maximum(puffs, py - y - 4.5 * scale)
    return distance


def crescent(x, y, radius):
    def distance(px, py):
        disc = np.hypot(px - x, py - y) - radius
        bite = radius * .86 - np.hypot(px - x - radius * .56, py - y + radius * .24)
        return np.maximum(disc, bite)
    return distance


def _square(x, y, radius):
    half = radius * .84
    return convex_polygon([(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)])


def _triangle(x, y, radius):
    return convex_polygon([(x, y - radius), (x + radius * 1.02, y + radius * .8), (x - radius * 1.02, y + radius * .8)])


def _diamond(x, y, radius):
    return convex_polygon([(x, y - radius * 1.15), (x + radius * .76, y), (x, y + radius * 1.15), (x - radius * .76, y)])


# The named shapes, each sized to look about as large as the others.
SHAPE_DISTANCES = {
    "circle": lambda x, y, radius: lambda px, py: np.hypot(px - x, py - y) - radius * .95,
    "square": _square,
    "triangle": _triangle,
    "star": lambda x, y, radius: star(x, y + radius * .06, radius * 1.14, tips=5, inner=.42),
    "heart": heart,
    "diamond": _diamond,
}


def draw_shape(canvas, shape, x, y, radius, colour, **style):
    reach = radius * 1.25
    canvas.paint((x - reach, y - reach, x + reach, y + reach), SHAPE_DISTANCES[shape](x, y, radius), colour, **style)

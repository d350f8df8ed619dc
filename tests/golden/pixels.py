"""Goldens of tests/image: pictures that Pillow writes and decodes, resizes, blurs and fills, OpenCV's blur of masks,
torch's resizing of latents, and A1111's text in EXIF data as piexif writes it.

Made with Pillow 13.0.0, opencv-python-headless 5.0.0, piexif 1.1.3, torch 2.15.0, NumPy 2.4.6, safetensors 0.8.0:

    python tests/golden/pixels.py tests/data/image fuzz/seeds/picture

writes files.safetensors (whole files as bytes, and their pixels) and operations.safetensors into the first folder, and
some of the files, as they are, into the second.
"""

import io
import pathlib
import sys

import cv2
import numpy as np
import piexif
import piexif.helper
import torch
from PIL import Image, ImageFilter, ImageOps
from safetensors.numpy import save_file

TEXT = "a caf\u00e9, \u6c34 and \U0001f3e0\nNegative prompt: rain\nSteps: 20, Sampler: Euler a, Seed: 42, Size: 24x16"


SEEDS = ("jpeg_text", "jpeg_progressive", "jpeg_cmyk", "webp_text", "webp_lossy", "webp_animated", "png_exif")


def smooth(height, width, channels, seed=0):
    """Something like a picture: a few waves, different in each channel, and an edge."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for _ in range(channels):
        a, b, c = random.uniform(0.1, 0.35, 3)
        plane = 128 + 60 * np.sin(a * x + c) + 50 * np.cos(b * y + 3 * c)
        planes.append(plane + 40 * ((x + y) % (width + 7) > width / 2))
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def user_comment(text):
    """EXIF data with a user comment as the web UI makes it."""
    comment = piexif.helper.UserComment.dump(text, encoding="unicode")
    return piexif.dump({"Exif": {piexif.ExifIFD.UserComment: comment}})


def oriented(orientation):
    return piexif.dump({"0th": {piexif.ImageIFD.Orientation: orientation}})


def written(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def files():
    """name -> (bytes of a file, whether it carries TEXT)"""
    rgb = Image.fromarray(smooth(16, 24, 3))
    rgba = Image.fromarray(smooth(16, 24, 4, seed=1))
    grey = Image.fromarray(smooth(16, 24, 1)[..., 0])
    deep = Image.fromarray(smooth(16, 24, 1)[..., 0].astype(np.uint16) * 257)
    result = {
        "jpeg_rgb": written(rgb, "JPEG", quality=90),
        "jpeg_420": written(rgb, "JPEG", quality=75, subsampling=2),
        "jpeg_progressive": written(rgb, "JPEG", quality=85, progressive=True),
        "jpeg_grey": written(grey, "JPEG", quality=90),
        "jpeg_cmyk": written(rgb.convert("CMYK"), "JPEG", quality=95),
        "jpeg_text": written(rgb, "JPEG", exif=user_comment(TEXT)),
        "webp_lossless": written(rgb, "WEBP", lossless=True),
        "webp_alpha": written(rgba, "WEBP", lossless=True, exact=True),
        "webp_lossy": written(rgb, "WEBP", quality=80),
        "webp_text": written(rgb, "WEBP", lossless=True, exif=user_comment(TEXT)),
        "webp_animated": written(
            rgb, "WEBP", save_all=True, append_images=[ImageOps.invert(rgb)], lossless=True, duration=100
        ),
        "png_rgb": written(rgb, "PNG"),
        "png_rgba": written(rgba, "PNG"),
        "png_palette": written(rgb.convert("P", palette=Image.Palette.ADAPTIVE), "PNG"),
        "png_16": written(deep, "PNG"),
        "png_exif": written(rgb, "PNG", exif=oriented(6)),
    }
    for orientation in range(1, 9):
        result[f"jpeg_orientation_{orientation}"] = written(grey, "JPEG", exif=oriented(orientation))
    result["webp_orientation_8"] = written(rgb, "WEBP", lossless=True, exif=oriented(8))
    return result


def pixels(file):
    """What Pillow sees in it, upright, as RGBA."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return np.asarray(image.convert("RGBA"))


def around(image, mask):
    """The web UI's fill: what is kept, blurred by Pillow at each radius, n times over what is there already. n times
    the same layer of opacity a is one of opacity 1 - (1 - a)^n."""
    rgba = np.dstack([np.asarray(image), 255 - np.asarray(mask)])
    kept = Image.fromarray(rgba).convert("RGBa")
    below = np.zeros(rgba.shape)
    for radius, n in {256: 1, 64: 1, 16: 2, 4: 4, 2: 2, 0: 1}.items():
        layer = np.asarray(kept.filter(ImageFilter.GaussianBlur(radius))) / 255
        alpha = layer[..., 3:]
        through = (1 - alpha) ** n
        below = layer * np.divide(1 - through, alpha, out=np.zeros_like(alpha), where=alpha > 0) + below * through
    return np.round(255 * below[..., :3] / below[..., 3:]).astype(np.uint8)


def opencv_blur(mask, radius):
    taps = 2 * int(2.5 * radius + 0.5) + 1
    wide = cv2.GaussianBlur(mask, (taps, 1), radius)
    return cv2.GaussianBlur(wide, (1, taps), radius)


def operations():
    result = {}
    picture = smooth(30, 45, 3, seed=2)
    result["picture"] = picture
    for width, height in ((90, 60), (20, 11), (45, 13)):
        resized = Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS)
        result[f"lanczos_{width}x{height}"] = np.asarray(resized)

    mask = np.zeros((30, 45), np.uint8)
    mask[8:19, 12:30] = 255
    mask[25:, 40:] = 90
    result["mask"] = mask
    for radius in (1, 4, 20):
        result[f"mask_blur_{radius}"] = opencv_blur(mask, radius)
    result["filled"] = around(Image.fromarray(picture), Image.fromarray(mask))

    latents = np.random.default_rng(3).standard_normal((2, 4, 7, 9), np.float32)
    result["latents"] = latents
    for height, width in ((14, 18), (10, 13), (3, 5)):
        for mode in ("bilinear", "bicubic", "nearest", "nearest-exact"):
            for antialias in (False, True) if mode.startswith("bi") else (False,):
                resized = torch.nn.functional.interpolate(
                    torch.from_numpy(latents), (height, width), mode=mode, antialias=antialias
                )
                result[f"{mode}{'_antialiased' if antialias else ''}_{height}x{width}"] = resized.numpy()
    return result


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    stored = {}
    for name, file in files().items():
        stored[f"{name}.file"] = np.frombuffer(file, np.uint8)
        stored[f"{name}.rgba"] = pixels(file).copy()
        if name in SEEDS:
            (pathlib.Path(sys.argv[2]) / name).write_bytes(file)
    save_file(stored, folder / "files.safetensors", {"text": TEXT})
    save_file(operations(), folder / "operations.safetensors")

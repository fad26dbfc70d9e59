"""A folder of every odd image that real folders hold, made anew for each test."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

WIDE, HIGH = 24, 16
#: Left half red, right half blue, the top row white: tells orientation and channel order.
COLOURS = {"left": (230, 20, 30), "right": (20, 30, 220)}


def pattern() -> np.ndarray:
    """(16, 24, 3) RGB."""
    pixels = np.empty((HIGH, WIDE, 3), np.uint8)
    pixels[:, : WIDE // 2] = COLOURS["left"]
    pixels[:, WIDE // 2 :] = COLOURS["right"]
    pixels[:4] = 255
    return pixels


def plain() -> Image.Image:
    return Image.fromarray(pattern())


def ramp(dtype: type = np.uint8, top: int = 255) -> np.ndarray:
    """(16, 24) grey, dark at the left."""
    row = np.linspace(0, top, WIDE)
    return np.broadcast_to(row, (HIGH, WIDE)).astype(dtype)


def turned(orientation: int) -> tuple[Image.Image, Any]:
    """An image that is stored turned, and the EXIF that says so."""
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    exif = Image.Exif()
    exif[0x0112] = orientation
    return plain().transpose(back[orientation]) if orientation > 1 else plain(), exif


def palette(transparent: bool) -> Image.Image:
    image = plain().quantize(8)
    if transparent:
        image.info["transparency"] = int(np.asarray(image)[0, 0])
    return image


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header names a size and that holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def write_good(folder: Path) -> list[str]:
    """Every odd image that can be read; gives their names."""
    folder.mkdir(parents=True, exist_ok=True)
    plain().save(folder / "CAPITALS.JPG", quality=95)
    plain().save(folder / "really_a_jpeg.png", "JPEG", quality=95)
    plain().save(folder / "no_suffix", "PNG")
    for orientation in range(1, 9):
        image, exif = turned(orientation)
        image.save(folder / f"exif{orientation}.jpg", exif=exif, quality=95)
    image, exif = turned(6)
    image.save(folder / "exif6.png", exif=exif)
    image.save(folder / "exif6.webp", exif=exif, lossless=True)
    image.save(folder / "exif6.tif", exif=exif)
    plain().convert("RGBA").save(folder / "rgba.png")
    palette(False).save(folder / "palette.png")
    palette(True).save(folder / "palette_transparent.png")
    palette(False).save(folder / "palette.gif")
    Image.fromarray(ramp()).save(folder / "grey.png")
    Image.fromarray(ramp()).convert("LA").save(folder / "grey_alpha.png")
    Image.fromarray(ramp() > 127).save(folder / "one_bit.png")
    Image.fromarray(ramp(np.uint16, 65535)).save(folder / "grey16.png")
    Image.fromarray(ramp(np.uint16, 65535)).save(folder / "grey16.tif")
    Image.fromarray(ramp(np.float32, 1)).save(folder / "floats.tif")
    plain().convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    plain().convert("CMYK").save(folder / "cmyk.tif")
    plain().save(folder / "blanks and ümläute 漢字.png")
    plain().save(folder / "progressive.jpeg", progressive=True, quality=95)
    plain().save(
        folder / "frames.gif", save_all=True, append_images=[Image.new("RGB", (WIDE, HIGH))]
    )
    return sorted(path.name for path in folder.iterdir())


def write_broken(folder: Path) -> dict[str, str]:
    """What cannot be used, and a word of the reason."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = {}
    for suffix in ("jpg", "png"):
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(noise).save(folder / f"whole.{suffix}")
        whole[suffix] = (folder / f"whole.{suffix}").read_bytes()
        (folder / f"whole.{suffix}").unlink()
    made = {
        "empty.jpg": (b"", "is empty"),
        "cut.jpg": (whole["jpg"][:1500], "damaged"),
        "cut.png": (whole["png"][:1500], "damaged"),
        "text.jpeg": (b"<html>404 Not Found</html>", "is no image"),
        "huge.png": (bomb(60_000, 40_000), "too large"),
        "large.png": (bomb(12_000, 10_000), "not decoded"),
        "phone.HEIC": (b"\0\0\0\x18ftypheic" + bytes(64), "HEIC"),
        "pointer.jpg": (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    }
    for name, (data, _) in made.items():
        (folder / name).write_bytes(data)
    normalised = np.linspace(-2, 2, 64, dtype=np.float32).reshape(8, 8)
    Image.fromarray(normalised).save(folder / "normalised.tif")
    return {name: word for name, (_, word) in made.items()} | {"normalised.tif": "no brightness"}


def write_junk(folder: Path) -> None:
    """What no one means when they speak of images."""
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._CAPITALS.JPG"):
        (folder / name).write_bytes(b"\0\1\2")
    (folder / ".ipynb_checkpoints").mkdir()
    plain().save(folder / ".ipynb_checkpoints" / "copy.png")

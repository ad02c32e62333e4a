"""Throw damaged photos and videos at the upload path, and see that nothing but a file is lost.

    python -m tools.fuzz_uploads --minutes 30 --seed 1 --media ../shared/media

Seeds are small files of every format, made here; with ``--media`` real ones besides. Each case
is one of them with something changed. It must end in a sound result or a sentence, within the
limits. A crash of the decoding child, a limit that was reached, and above all an error in this
process are counted as such; the file is kept in the folder ``--keep``. Those made of seeds
made here may be committed to ``tests/safety/fuzzed``, where a test tries them for ever; files
with real people in them may not.

The exit code is 1 if a decoder crashed or hung, or this process met an error.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import PIL.Image

from fer.errors import MediaError
from fer.sandbox import restricted
from fer.sandbox.decoder_client import DecoderError, Job
from fer.sandbox.restricted_sound import SOUND_LIMITS

#: Pictures of a video that are read, and pieces of its sound.
_FRAMES: Final = 40

#: Largest real file that is changed: others cost too much time each.
_LARGEST: Final = 1_500_000

_EDGES: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def make_photos() -> dict[str, bytes]:
    """A photo of every format, of no person."""
    rng = np.random.default_rng(0)
    noise = PIL.Image.fromarray(rng.integers(0, 255, (40, 60, 3), np.uint8))
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    pictures: dict[str, tuple[PIL.Image.Image, dict[str, Any]]] = {
        "jpeg": (noise, {"exif": exif}),
        "jpeg progressive": (noise, {"progressive": True, "subsampling": 2}),
        "png": (noise.convert("RGBA"), {}),
        "png palette": (noise.quantize(16), {"transparency": 3}),
        "webp": (noise.convert("RGBA"), {}),
        "webp lossless": (noise, {"lossless": True}),
        "bmp": (noise, {}),
        "gif": (noise, {"save_all": True, "append_images": [noise.rotate(90)]}),
        "tiff": (noise, {"compression": "tiff_lzw"}),
        "tiff deflate": (noise, {"compression": "tiff_adobe_deflate"}),
        "heif": (noise, {}),
    }
    made = {}
    for name, (picture, options) in pictures.items():
        out = io.BytesIO()
        picture.save(out, name.partition(" ")[0], **options)
        made[name] = out.getvalue()
    return made


def make_videos() -> dict[str, bytes]:
    """A video with sound of every kind, of no person."""
    kinds = {
        "mp4 h264 aac": ("mp4", "libx264", "yuv420p", "aac"),
        "mov mjpeg pcm": ("mov", "mjpeg", "yuvj420p", "pcm_s16le"),
        "mkv hevc flac": ("matroska", "libx265", "yuv420p10le", "flac"),
        "webm vp9 opus": ("webm", "libvpx-vp9", "yuv420p", "libopus"),
        "webm vp8 opus": ("webm", "libvpx", "yuv420p", "libopus"),
        "avi mpeg4 mp3": ("avi", "mpeg4", "yuv420p", "libmp3lame"),
        "avi huffyuv": ("avi", "ffvhuff", "yuv420p", None),
        "mkv ffv1": ("matroska", "ffv1", "yuv420p", None),
        "mkv av1": ("matroska", "libsvtav1", "yuv420p", None),
        "gif": ("gif", "gif", "rgb8", None),
    }
    return {name: _encode(*kind) for name, kind in kinds.items()}


def _encode(container: str, codec: str, pixels: str, sound: str | None) -> bytes:
    out = io.BytesIO()
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    with av.open(out, "w", format=container) as target:
        video: Any = target.add_stream(codec, rate=10, options=options)
        video.width, video.height, video.pix_fmt = 64, 64, pixels
        audio: Any = target.add_stream(sound, rate=48_000, layout="mono") if sound else None
        rng = np.random.default_rng(1)
        for index in range(12):
            image = rng.integers(0, 255, (64, 64, 3), np.uint8)
            image[8 * (index % 8) :] //= 4
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 10)
            target.mux(video.encode(frame))
        if audio is not None:
            tone = (np.sin(np.arange(48_000) / 20) * 9000).astype(np.int16)
            samples = av.AudioFrame.from_ndarray(tone[np.newaxis], "s16", "mono")
            samples.sample_rate, samples.pts, samples.time_base = 48_000, 0, Fraction(1, 48_000)
            target.mux([*audio.encode(samples), *audio.encode()])
        target.mux(video.encode())
    return out.getvalue()


def mutate(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Change a file in one to eight places; headers, which steer decoders, rather than the rest."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        limit = min(len(out), 2048) if rng.random() < 0.6 else len(out)
        at = rng.randrange(max(limit, 1))
        match rng.randrange(7):
            case 0:
                out[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                if out:
                    out[min(at, len(out) - 1)] ^= 1 << rng.randrange(8)
            case 2:
                width = rng.choice((1, 2, 4))
                number = rng.choice(_EDGES) & (1 << 8 * width) - 1
                out[at : at + width] = number.to_bytes(width, rng.choice(("big", "little")))
            case 3:
                del out[at : at + rng.choice((1, 4, 16, 256))]
            case 4:
                begin = rng.randrange(max(len(out), 1))
                out[at:at] = out[begin : begin + rng.choice((4, 32, 512))]
            case 5:
                begin = rng.randrange(max(len(other), 1))
                piece = other[begin : begin + rng.choice((4, 64, 1024))]
                out[at : at + len(piece)] = piece
            case _:
                if rng.random() < 0.2:
                    del out[at:]
    return bytes(out)


def try_photo(data: bytes) -> None:
    """Decode a photo."""
    restricted.decode_photo(data)


def try_video(data: bytes) -> None:
    """Look at a video, read its pictures, some of a later part, and its sound."""
    errors: list[MediaError] = []
    for read in (_probe, _frames, _part, _sound):
        try:
            read(data)
        except MediaError as error:
            errors.append(error)
    if errors:  # a crash counts before what was refused
        raise min(errors, key=lambda found: _decoder_error(found) is None)


def _probe(data: bytes) -> None:
    restricted.probe(io.BytesIO(data))


def _frames(data: bytes) -> None:
    for number, _ in enumerate(restricted.read_frames(io.BytesIO(data))):
        if number == _FRAMES:
            return


def _part(data: bytes) -> None:
    for number, _ in enumerate(restricted.read_frames(io.BytesIO(data), start_s=12, fps=1)):
        if number == _FRAMES:
            return


def _sound(data: bytes) -> None:
    with Job("sound", data, SOUND_LIMITS, slots=_FRAMES, slot=1 << 15, start_s=0.0) as job:
        for _ in range(_FRAMES):
            if "end" in job.receive():
                return


def _decoder_error(error: BaseException | None) -> DecoderError | None:
    """The crash or limit that an error tells of, if any."""
    while error is not None and not isinstance(error, DecoderError):
        error = error.__cause__
    return error


def attempt(read: Callable[[bytes], None], data: bytes) -> str:
    """What came of a file: ``sound``, ``refused``, ``limit``, ``crash``, or ``APP ERROR``."""
    try:
        read(data)
    except MediaError as error:
        ended = _decoder_error(error)
        if ended is None:
            return "refused"
        return "crash" if ended.status is not None else "limit"
    except Exception as error:  # noqa: BLE001 to find these is the purpose
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201 a tool
        return "APP ERROR"
    return "sound"


def main() -> int:
    """Fuzz for as long as asked, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--media", type=Path, help="a folder of real photos and videos")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    options = parser.parse_args()
    seeds = [(name, data, try_photo) for name, data in make_photos().items()]
    seeds += [(name, data, try_video) for name, data in make_videos().items()]
    for path in sorted(options.media.iterdir()) if options.media else ():
        if path.stat().st_size <= _LARGEST and path.suffix.lower() in {".jpg", ".png"}:
            seeds.append((f"real {path.name}", path.read_bytes(), try_photo))
        elif path.stat().st_size <= _LARGEST and path.suffix.lower() in {".mp4", ".mov"}:
            seeds.append((f"real {path.name}", path.read_bytes(), try_video))
    results: dict[str, Counter[str]] = defaultdict(Counter)
    slowest: dict[str, float] = defaultdict(float)
    end = time.monotonic() + 60 * options.minutes
    case = 0
    while time.monotonic() < end:
        rng = random.Random(f"{options.seed} {case}")
        name, data, read = seeds[case % len(seeds)]
        changed = mutate(data, rng.choice(seeds)[1], rng)
        began = time.monotonic()
        outcome = attempt(read, changed)
        slowest[name] = max(slowest[name], time.monotonic() - began)
        results[name][outcome] += 1
        if outcome not in {"sound", "refused"}:
            options.keep.mkdir(parents=True, exist_ok=True)
            kind = "photo" if read is try_photo else "video"
            digest = hashlib.sha256(changed).hexdigest()[:12]
            origin = "real" if name.startswith("real") else "made"
            target = options.keep / f"{outcome.replace(' ', '-')}-{origin}-{kind}-{digest}"
            target.write_bytes(changed)
        case += 1
    return _show(results, slowest, case, options.seed)


def _show(
    results: dict[str, Counter[str]], slowest: dict[str, float], cases: int, seed: int
) -> int:
    columns = ("sound", "refused", "limit", "crash", "APP ERROR")
    line = "| {:<34} |" + " {:>9} |" * (len(columns) + 1)
    lines = [line.format("seed", *columns, "slowest s"), "| --- |" + " ---: |" * (len(columns) + 1)]
    for name, counts in sorted(results.items()):
        values = [counts[column] for column in columns]
        lines.append(line.format(name[:34], *values, f"{slowest[name]:.1f}"))
    total: Counter[str] = sum(results.values(), Counter())
    values = [total[column] for column in columns]
    lines.append(line.format("all", *values, f"{max(slowest.values(), default=0):.1f}"))
    print(f"{cases} cases, seed {seed}", *lines, sep="\n")  # noqa: T201 a tool
    return 1 if total["crash"] or total["limit"] or total["APP ERROR"] else 0


if __name__ == "__main__":
    sys.exit(main())

"""Files made to do harm, and a trap that tells whether they did."""

from __future__ import annotations

import ctypes
import io
import os
import socket
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import PIL.Image

from fer.media.video_writer import VideoWriter

#: Playlists and the like; {path} and {url} are what they try to reach.
POINTERS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{url}\n#EXTINF:10,\nfile://{path}\n"
    "#EXT-X-ENDLIST\n",
    "hls in a subtitle": '#EXTM3U\n#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="s",URI="{url}"\n'
    '#EXT-X-STREAM-INF:BANDWIDTH=1,SUBTITLES="s"\nfile://{path}\n',
    "hls byte range": "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI={url}\n#EXT-X-BYTERANGE:9@0\n"
    "concat:{path}|{url}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{path}'\nfile '{url}'\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period>'
    "<AdaptationSet><Representation><BaseURL>{url}</BaseURL></Representation></AdaptationSet>"
    "</Period></MPD>",
    "dash with an entity": '<?xml version="1.0"?><!DOCTYPE MPD [<!ENTITY x SYSTEM "file://{path}">'
    "]><MPD><BaseURL>&x;</BaseURL></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:{url}\n",
    "smooth streaming": "<SmoothStreamingMedia><StreamIndex Url='{url}'/></SmoothStreamingMedia>",
    "image sequence": "{path}/%03d.png",
    "subtitles of a DVD": "# VobSub index file, v7 (do not modify this line!)\n"
    "id: en, index: 0\ntimestamp: 00:00:00:000, filepos: 000000000\n{path}\n",
    "subtitles": "1\n00:00:00,000 --> 00:00:09,000\n<img src='{url}'>{path}\n",
    "styled subtitles": "[Script Info]\nTitle: {url}\n[Fonts]\nfontname: {path}\n[Events]\n",
    "metadata": ";FFMETADATA1\ntitle=x\n[STREAM]\nfile={path}\n",
    "playlist of a player": "[playlist]\nFile1={url}\nFile2=file://{path}\nNumberOfEntries=2\n",
    "drawing": '<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}"/>'
    '<image href="file://{path}"/></svg>',
    "postscript": "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n({path}) run\n",
    "script of ImageMagick": "push graphic-context\nimage over 0,0 9,9 '{url}'\n",
}


class Trap:
    """A file and a port that nobody may touch."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "canary.mp4"
        self.path.write_bytes(clip())
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.setblocking(False)
        self.port: int = self._server.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/canary.mp4"
        libc = ctypes.CDLL(None)
        self._watch = libc.inotify_init1(os.O_NONBLOCK)
        any_use = 0x1 | 0x20  # IN_ACCESS, IN_OPEN
        assert libc.inotify_add_watch(self._watch, os.fsencode(self.path), any_use) > 0

    def fill(self, text: str) -> bytes:
        """A hostile file that points here."""
        return text.format(path=self.path, url=self.url, port=self.port).encode()

    def touched(self) -> list[str]:
        """What was touched since the last look."""
        found = []
        try:
            os.read(self._watch, 65_536)
            found.append("the file was opened")
        except BlockingIOError:
            pass
        try:
            self._server.accept()[0].close()
            found.append("somebody connected")
        except BlockingIOError:
            pass
        return found

    def close(self) -> None:
        """Let go of both."""
        self._server.close()
        os.close(self._watch)


@contextmanager
def trap(folder: Path) -> Iterator[Trap]:
    """Set a trap in a folder."""
    made = Trap(folder)
    try:
        yield made
    finally:
        made.close()


@cache
def clip(ticks: tuple[int, ...] = tuple(range(5)), base: Fraction = Fraction(1, 10)) -> bytes:
    """A small MP4 with a picture at each tick."""
    out = io.BytesIO()
    with VideoWriter(out, base, 10) as writer:
        for tick in ticks:
            writer.write(np.full((48, 64, 3), 100, np.uint8), tick)
    return out.getvalue()


def box(kind: bytes, content: bytes) -> bytes:
    """A box of MP4."""
    return struct.pack(">I4s", 8 + len(content), kind) + content


def element(identity: bytes, content: bytes) -> bytes:
    """An element of Matroska."""
    return identity + struct.pack(">Q", len(content) | 1 << 56) + content


def patched(data: bytes, kind: bytes, offset: int, value: bytes) -> bytes:
    """An MP4 with bytes changed within a box, counted from the end of its name."""
    start = data.index(kind) + 4 + offset
    return data[:start] + value + data[start + len(value) :]


def with_foreign_data(target: str) -> bytes:
    """An MP4 whose pictures are said to lie in another file (QuickTime's data references)."""
    data = clip()
    reference = box(b"url ", b"\0\0\0\0" + target.encode() + b"\0")
    old = data.index(b"dref")
    size = struct.unpack(">I", data[old - 4 : old])[0]
    new = box(b"dref", b"\0\0\0\0\0\0\0\1" + reference)
    grown = len(new) - size
    out = bytearray(data[: old - 4] + new + data[old - 4 + size :])
    for parent in (b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        at = out.index(parent) - 4
        out[at : at + 4] = struct.pack(">I", struct.unpack(">I", out[at : at + 4])[0] + grown)
    return bytes(out)


def reference_movie(target: str) -> bytes:
    """A QuickTime movie that is nothing but an address."""
    address = box(b"rdrf", b"\0\0\0\0url " + struct.pack(">I", len(target)) + target.encode())
    moov = box(b"moov", box(b"rmra", box(b"rmda", address)))
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + moov


def nested_boxes(depth: int) -> bytes:
    """An MP4 of boxes within boxes."""
    content = b""
    for _ in range(depth):
        content = box(b"moov", content)
    return box(b"ftyp", b"isom\0\0\0\0isom") + content


def nested_elements(depth: int) -> bytes:
    """A Matroska file of elements within elements."""
    header = element(b"\x1a\x45\xdf\xa3", element(b"\x42\x82", b"matroska"))
    content = b""
    for _ in range(depth):
        content = element(b"\xb6", content)  # ChapterAtom, which may hold itself
    chapters = element(b"\x10\x43\xa7\x70", element(b"\x45\xb9", content))
    return header + element(b"\x18\x53\x80\x67", chapters)


def circular_seek_head() -> bytes:
    """A Matroska file whose index of contents points at itself."""
    header = element(b"\x1a\x45\xdf\xa3", element(b"\x42\x82", b"matroska"))
    seek = element(
        b"\x4d\xbb", element(b"\x53\xab", b"\x11\x4d\x9b\x74") + element(b"\x53\xac", b"\0")
    )
    return header + element(b"\x18\x53\x80\x67", element(b"\x11\x4d\x9b\x74", seek * 50))


def circular_tiff() -> bytes:
    """A TIFF whose next picture is the same one again, for ever."""
    out = io.BytesIO()
    PIL.Image.new("L", (8, 8), 128).save(out, "TIFF")
    data = bytearray(out.getvalue())
    (start,) = struct.unpack("<I", data[4:8])
    (entries,) = struct.unpack("<H", data[start : start + 2])
    following = start + 2 + 12 * entries
    data[following : following + 4] = struct.pack("<I", start)
    return bytes(data)


def png(width: int, height: int, *chunks: tuple[bytes, bytes], rows: bytes | None = None) -> bytes:
    """A grey PNG of one bit per pixel, black unless told otherwise, with further chunks."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    if rows is None:
        rows = zlib.compress(bytes((1 + (width + 7) // 8) * height), 9)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    middle = b"".join(chunk(kind, content) for kind, content in chunks)
    return b"\x89PNG\r\n\x1a\n" + head + middle + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def gif_of_many(pictures: int) -> bytes:
    """A GIF of a few bytes per picture."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 500, 500, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    picture = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return screen + picture * pictures + b";"

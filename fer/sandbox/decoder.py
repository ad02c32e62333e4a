"""The program that decodes what people upload, in processes that can do nothing else.

``fer.sandbox.restricted`` starts it once, as ``python -m fer.sandbox.decoder FD``. It loads the
libraries and then never looks at a file itself: for every job it forks, which takes milliseconds,
and the child confines itself before it touches the first byte. No child sees more than one upload.

Over the socket FD, one JSON object per packet. It begins by telling which fences hold on this
machine (``fer.sandbox.confinement``), and puts these up around every child:

    {"fences": [NAME, ...]}

Then every request is answered by one packet:

    {"job": NAME, ...} with three descriptors: socket, upload, pictures    -> {"pid": N}
    {"end": N}: kill that child if it still runs                           -> {"status": N}

The child of a job speaks over the job's socket. Its pictures go to shared memory, cut into
equal slots of which each holds one.
"""

from __future__ import annotations

import importlib
import io
import json
import mmap
import os
import pkgutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, BinaryIO, Final, NoReturn

import av
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from fer.errors import FerError
from fer.media import video_reader
from fer.media.photo_formats import PHOTO_FORMATS, decode_photo
from fer.media.sound import read_samples
from fer.sandbox import confinement
from fer.sandbox.decoder_program import PACKET
from fer.types import Image

#: Seconds between two signs of life.
_ALIVE_S: Final = 1.0

_NOT_CONFINED: Final = (
    "Files are not read now: this server could not confine the process that decodes them"
)


class Parent:
    """What a job's child talks to.

    Args:
        line: socket to the app.
        pictures: shared memory.
        slot: bytes per slot.
    """

    def __init__(self, line: socket.socket, pictures: mmap.mmap, slot: int) -> None:
        self._line = line
        self._pictures = pictures
        self._slot = slot
        self._free = list(range(len(pictures) // slot))
        self._alive = time.monotonic()
        self.last = 0
        """The slot that was given out last."""

    def send(self, **message: Any) -> None:
        """Say something."""
        self._line.send(json.dumps(message).encode())

    def allocate(self, height: int, width: int) -> Image:
        """Memory that the app sees, for a picture; waits until the app has done with one."""
        return self.take(height * width * 3).reshape(height, width, 3)

    def take(self, size: int) -> NDArray[np.uint8]:
        """So many bytes of memory that the app sees; waits likewise."""
        while not self._free:
            packet = self._line.recv(PACKET)
            if not packet:  # nobody is interested any more
                os._exit(0)
            self._free.append(json.loads(packet)["free"])
        # The one that came back last: what was never used costs nothing.
        self.last = self._free.pop()
        return np.frombuffer(self._pictures, np.uint8, size, self.last * self._slot)

    def tell_alive(self) -> None:
        """Show, at most once a second, that work goes on."""
        if time.monotonic() - self._alive >= _ALIVE_S:
            self._alive = time.monotonic()
            self.send(alive=True)


def _probe(parent: Parent, upload: BinaryIO, _options: dict[str, Any]) -> None:
    info = video_reader.probe(upload)
    parent.send(info={**vars(info), "time_base": info.time_base.as_integer_ratio()})


def _frames(parent: Parent, upload: BinaryIO, options: dict[str, Any]) -> None:
    frames = video_reader.read_frames(
        upload, allocate=parent.allocate, on_decoded=parent.tell_alive, **options
    )
    for frame in frames:
        about = {"index": frame.index, "time_s": frame.time_s, "pts": frame.pts, "cut": frame.cut}
        parent.send(frame=about, slot=parent.last, shape=frame.image.shape)
    parent.send(end=True)


def _photo(parent: Parent, upload: BinaryIO, _options: dict[str, Any]) -> None:
    photo = decode_photo(upload.read())
    shape = photo.image.shape
    np.copyto(parent.allocate(shape[0], shape[1]), photo.image)
    parent.send(shape=shape, pictures=photo.pictures, reduced=photo.reduced)


def _sound(parent: Parent, upload: BinaryIO, options: dict[str, Any]) -> None:
    for time_s, samples in read_samples(upload, **options):
        piece = samples.view(np.uint8)
        np.copyto(parent.take(piece.size), piece)
        parent.send(time_s=time_s, slot=parent.last, size=piece.size)
    parent.send(end=True)


_JOBS: Final[dict[str, Callable[[Parent, BinaryIO, dict[str, Any]], None]]] = {
    "probe": _probe,
    "frames": _frames,
    "photo": _photo,
    "sound": _sound,
}


def _work(request: dict[str, Any], descriptors: list[int], fences: tuple[str, ...]) -> NoReturn:
    """Do one job in a child, and end."""
    code = 1
    try:
        line, upload = socket.socket(fileno=descriptors[0]), os.fdopen(descriptors[1], "rb")
        pictures = mmap.mmap(descriptors[2], 0)
        os.close(descriptors[2])
        parent = Parent(line, pictures, request["slot"])
        confinement.die_with_parent()
        try:
            confinement.confine(request["memory"], request["cpu_s"], fences)
        except OSError as exc:  # not the file's fault, which stays unread
            parent.send(error=f"{_NOT_CONFINED} ({exc.strerror}).")
            os._exit(0)
        upload.seek(0)
        try:
            _JOBS[request["job"]](parent, upload, request["options"])
        except video_reader.BrokenVideoError as exc:
            parent.send(broken_at_s=exc.time_s)
        except FerError as exc:
            parent.send(error=str(exc))
        except MemoryError:
            parent.send(memory=True)
        code = 0
    finally:  # whatever it was: nothing of the app's may run in this process
        os._exit(code)


def _warm_up() -> None:
    """Load what is loaded late, since no file can be opened any more once confined."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in PHOTO_FORMATS:
        picture = io.BytesIO()
        PIL.Image.new("RGB", (8, 8)).save(picture, name)
        decode_photo(picture.getvalue())
    animation = io.BytesIO()
    PIL.Image.new("RGB", (8, 8)).save(animation, "GIF")
    list(video_reader.read_frames(animation))


def main() -> None:
    """Serve until the app goes."""
    line = socket.socket(fileno=int(sys.argv[1]))
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # decoders have nothing to say in the app's log
        os.dup2(silence, stream)
    os.close(silence)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    fences = confinement.holding_fences()
    line.send(json.dumps({"fences": fences}).encode())
    _warm_up()
    while True:
        packet, descriptors, _, _ = socket.recv_fds(line, PACKET, 3)
        if not packet:
            return  # children die with their parent
        request = json.loads(packet)
        if "end" in request:
            os.kill(request["end"], signal.SIGKILL)
            answer = {"status": os.waitstatus_to_exitcode(os.waitpid(request["end"], 0)[1])}
        else:
            pid = os.fork()
            if pid == 0:
                line.close()
                _work(request, descriptors, fences)
            for descriptor in descriptors:
                os.close(descriptor)
            answer = {"pid": pid}
        line.send(json.dumps(answer).encode())


if __name__ == "__main__":
    main()

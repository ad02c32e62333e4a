"""Carry a video's sound over into the annotated video."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, suppress
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Final, Self, cast

import numpy as np
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from numpy.typing import NDArray

from fer.media.video_reader import READ_ERRORS, open_container

#: What MP4 always takes and browsers play is copied bit by bit; anything else becomes AAC.
#: MP3 is not among it: MP4 refuses its lower sample rates.
_COPIED: Final = ("aac", "opus")

#: What ``read_samples`` makes of any sound: hertz, channels, most samples at a time.
RATE: Final = 48_000
CHANNELS: Final = 2
PIECE: Final = 4096

#: Seconds before the wanted start from which on sound is decoded: codecs look back.
_LEAD_S: Final = 1.0

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.packet import Packet

    Packets = list[Packet[AudioStream]]


class Sound:
    """The first sound track of a video, if it has one. Use as a context manager.

    Args:
        source: the video; a binary file must not be shared with another reader.
        start_s: time on the video's clock that becomes 0.
    """

    def __init__(self, source: Path | BinaryIO, start_s: float) -> None:
        self._source = source
        self._start_s = start_s
        self._pieces: Iterator[tuple[float, Packets]] = iter(())
        self._waiting: tuple[float, Packets] | None = None

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._container = self._stack.enter_context(open_container(self._source))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def join(self, target: OutputContainer) -> None:
        """Add a sound track to a container that nothing has been written to."""
        if not self._container.streams.audio:
            self._stack.close()  # its index of an hour's pictures takes megabytes
            return
        stream = self._container.streams.audio[0]
        if cast(object, stream.codec_context) is None:
            return  # compressed in a way that is not known
        self._target = target
        if stream.codec.canonical_name in _COPIED:
            self._pieces = self._copied(stream, target.add_stream_from_template(stream))
        else:
            self._pieces = self._converted(stream, target.add_stream("aac", rate=stream.rate))

    def write_until(self, time_s: float) -> None:
        """Write the sound that belongs before a time of the annotated video."""
        while True:
            self._waiting = self._waiting or next(self._pieces, None)
            if self._waiting is None or self._waiting[0] >= time_s:
                return
            self._target.mux(self._waiting[1])
            self._waiting = None

    def _packets(self, stream: AudioStream) -> Iterator[Packet[AudioStream]]:
        """All that can be read; sound ends where the file is damaged."""
        try:
            yield from self._container.demux(stream)
        except READ_ERRORS:
            return

    def _copied(self, stream: AudioStream, copy: AudioStream) -> Iterator[tuple[float, Packets]]:
        for packet in self._packets(stream):
            if packet.pts is None or packet.dts is None:
                continue
            time_s = float(packet.pts * packet.time_base) - self._start_s
            if time_s < 0:
                continue
            delay = round(self._start_s / float(packet.time_base))
            packet.pts, packet.dts = packet.pts - delay, packet.dts - delay
            packet.stream = copy
            yield time_s, [packet]

    def _converted(
        self, stream: AudioStream, encoded: AudioStream
    ) -> Iterator[tuple[float, Packets]]:
        time_s = 0.0
        for packet in self._packets(stream):
            try:
                frames = stream.decode(packet)
            except READ_ERRORS:
                continue
            for frame in frames:
                if frame.pts is None or frame.time_base is None:
                    continue
                time_s = float(frame.pts * frame.time_base) - self._start_s
                frame.pts -= round(self._start_s / float(frame.time_base))
                if time_s < 0:
                    continue
                yield time_s, encoded.encode(frame)
        yield time_s, encoded.encode()


def read_samples(
    source: Path | BinaryIO, start_s: float
) -> Generator[tuple[float, NDArray[np.float32]]]:
    """Decode the first sound track of a video to bare samples.

    Args:
        source: a path, or a binary file of which this is the only reader.
        start_s: time on the video's clock of the first sample that is wanted.

    Yields:
        Time of the first sample on the video's clock, and (2 N,) float32, left and right
        in turn at ``RATE``, N at most ``PIECE``. Sound ends where the file is damaged.

    Raises:
        MediaError: if the source is no video.
    """
    with open_container(source) as container:
        stream = next(iter(container.streams.audio), None)
        if stream is None or cast(object, stream.codec_context) is None:
            return
        resampler = AudioResampler("flt", "stereo", RATE, frame_size=PIECE)
        # Sound that changes its kind halfway, as only damaged files do, ends there.
        with suppress(*READ_ERRORS, ValueError):
            for decoded in chain(_decoded(container, stream, start_s), [None]):  # None: the rest
                for frame in resampler.resample(decoded):
                    if frame.time is not None and frame.time >= start_s:
                        samples = frame.to_ndarray().reshape(-1)
                        yield frame.time, samples.astype(np.float32, copy=False)


def _decoded(
    container: InputContainer, stream: AudioStream, start_s: float
) -> Iterator[AudioFrame]:
    """What can be decoded of a stream, from a little before a time to the first damage."""
    with suppress(*READ_ERRORS):
        for packet in container.demux(stream):
            if packet.pts is not None and packet.pts * packet.time_base < start_s - _LEAD_S:
                continue
            with suppress(*READ_ERRORS):  # a damaged packet alone does not end it
                yield from (frame for frame in stream.decode(packet) if frame.pts is not None)

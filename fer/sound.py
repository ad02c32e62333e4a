"""Carry a video's sound over into the annotated video."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Final, Self, cast

from av.audio.stream import AudioStream
from av.container import OutputContainer

from fer.video_reader import READ_ERRORS, open_container

#: What MP4 always takes and browsers play is copied bit by bit; anything else becomes AAC.
#: MP3 is not among it: MP4 refuses its lower sample rates.
_COPIED: Final = ("aac", "opus")

if TYPE_CHECKING:
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

"""The sound of an upload, decoded where its pictures are: in a child that can do nothing else.

What comes back are bare samples, which are encoded anew; so nothing that the upload says
reaches code of this process that would have to understand it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Self

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from numpy.typing import NDArray

from fer.errors import MediaError
from fer.media.sound import CHANNELS, PIECE, RATE, Sound
from fer.sandbox.decoder_client import Job, Limits
from fer.sandbox.restricted import is_restricted

if TYPE_CHECKING:
    from fer.media.sound import Packets

SOUND_LIMITS: Final = Limits(memory=1_000_000_000, cpu_s=1800, silence_s=30.0)

_SLOTS: Final = 8

#: Seconds whose samples can still be counted: thirty years.
_LONGEST_S: Final = 1e9
_BASE: Final = Fraction(1, RATE)


def open_sound(source: Path | BinaryIO, start_s: float) -> Sound:
    """The sound of an upload, as :class:`fer.media.sound.Sound` has it."""
    return (_RestrictedSound if is_restricted() else Sound)(source, start_s)


class _RestrictedSound(Sound):
    """Samples from a child, encoded as AAC."""

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        return self

    def join(self, target: OutputContainer) -> None:
        """Add a sound track to a container that nothing has been written to."""
        slot = PIECE * CHANNELS * 4
        self._job = self._stack.enter_context(
            Job(
                *("sound", self._source, SOUND_LIMITS),
                slots=_SLOTS,
                slot=slot,
                start_s=self._start_s,
            )
        )
        first = self._receive()
        if first is not None:
            self._target = target
            stream = target.add_stream("aac", rate=RATE, layout="stereo")
            self._pieces = self._encoded(first, stream)

    def _receive(self) -> tuple[float, NDArray[np.uint8]] | None:
        """The next samples and their time; sound ends where the file is damaged."""
        try:
            match message := self._job.receive():
                case {"time_s": float(time_s), "size": int(size)} if abs(time_s) < _LONGEST_S:
                    # A copy of some kilobytes: the child need not wait for the encoder.
                    return time_s, self._job.content(message.get("slot"), size).copy()
        except MediaError:
            pass
        return None

    def _encoded(
        self, piece: tuple[float, NDArray[np.uint8]] | None, stream: AudioStream
    ) -> Iterator[tuple[float, Packets]]:
        time_s, end = 0.0, 0
        while piece is not None:
            time_s, samples = piece[0] - self._start_s, piece[1].view(np.float32)
            frame = AudioFrame.from_ndarray(samples[np.newaxis], "flt", "stereo")
            frame.sample_rate, frame.time_base = RATE, _BASE
            frame.pts = max(round(time_s * RATE), end)  # whatever the child says, time advances
            end = frame.pts + frame.samples
            yield time_s, stream.encode(frame)
            piece = self._receive()
        yield time_s, stream.encode()

"""Decoding in a child that can do nothing else: same results; whatever happens to it is told."""

from __future__ import annotations

import gc
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import PIL.Image
import pytest

from fer.errors import MediaError
from fer.media import photo_formats, video_reader
from fer.media.video_writer import VideoWriter
from fer.paths import PROJECT
from fer.sandbox import decoder_program, restricted
from fer.sandbox.decoder_client import Job, Limits
from fer.types import Image

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone can confine")


def jpeg(image: Image) -> bytes:
    out = io.BytesIO()
    PIL.Image.fromarray(image).save(out, "JPEG")
    return out.getvalue()


def clip(frames: int = 30, size: tuple[int, int] = (64, 48)) -> io.BytesIO:
    """Pictures of which each has a grey of its own."""
    out = io.BytesIO()
    with VideoWriter(out, Fraction(1, 10), 10) as writer:
        for index in range(frames):
            writer.write(np.full((size[1], size[0], 3), 40 + 5 * index % 200, np.uint8), index)
    return out


def run(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60
    )


def children(pid: int) -> list[int]:
    """Processes that a process has started, the oldest first.

    Not from ``/proc/PID/task/*/children``, which leaves some out while others end.
    """
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = place.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(place.parent.name))
    return sorted(found)


def program() -> int:
    return decoder_program.running()._process.pid


def kill_program() -> None:
    """End the program that runs; whoever asks for it afterwards gets a new one."""
    process = decoder_program.running()._process
    process.kill()
    process.wait(10)


def facts(frame: video_reader.VideoFrame) -> tuple[Any, ...]:
    return frame.index, frame.time_s, frame.pts, frame.cut, frame.image.tobytes()


def test_a_photo_comes_out_as_it_does_here(astronaut: Image) -> None:
    data = jpeg(astronaut)
    assert np.array_equal(restricted.decode_image(data), photo_formats.decode_image(data))


def test_a_photo_can_be_kept_and_written_to(astronaut: Image) -> None:
    first = restricted.decode_image(jpeg(astronaut))
    second = restricted.decode_image(jpeg(255 - astronaut))
    first[0, 0] = 7
    assert abs(int(first[100:].mean()) - int(255 - second[100:].mean())) < 3
    assert first[0, 0].tolist() == [7, 7, 7]


@pytest.mark.parametrize("data", [b"", b"no photo", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_a_photo_that_cannot_be_read_gets_the_same_sentence(data: bytes) -> None:
    with pytest.raises(MediaError) as here:
        photo_formats.decode_image(data)
    with pytest.raises(MediaError) as there:
        restricted.decode_image(data)
    assert str(there.value) == str(here.value)


@pytest.mark.parametrize("options", [{}, {"fps": 2.0}, {"start_s": 0.55, "end_s": 2.0}])
def test_a_video_comes_out_as_it_does_here(options: Any) -> None:
    there = [facts(frame) for frame in restricted.read_frames(clip(), **options)]
    assert there == [facts(frame) for frame in video_reader.read_frames(clip(), **options)]
    assert there


def test_a_video_tells_the_same_of_itself() -> None:
    assert restricted.probe(clip()) == video_reader.probe(clip())


def test_real_videos_come_out_as_they_do_here(media: Path) -> None:
    for name in ("pyfeat_single_face.mp4", "pyfeat_face_noface.mov"):
        path = media / name
        assert restricted.probe(path) == video_reader.probe(path)
        there = [facts(frame) for frame in restricted.read_frames(path, end_s=1.0)]
        assert there == [facts(frame) for frame in video_reader.read_frames(path, end_s=1.0)]


def test_pictures_that_are_collected_stay_what_they_were() -> None:
    """Far more than there are slots: the child must neither wait for ever nor write over them."""
    kept = [frame.image for frame in restricted.read_frames(clip(60))]
    assert [int(image.mean()) for image in kept] == [
        int(frame.image.mean()) for frame in video_reader.read_frames(clip(60))
    ]


def test_pictures_are_not_copied() -> None:
    frames = restricted.read_frames(clip())
    image = next(frames).image
    base: Any = image
    while isinstance(base, np.ndarray):
        base = base.base
    assert type(base).__name__ in {"mmap", "memoryview"}
    frames.close()
    assert image.mean() > 0  # the memory stays as long as somebody holds it


def test_what_breaks_off_is_told_after_what_could_be_read() -> None:
    data = clip(100).getvalue()
    broken = bytearray(data)
    middle = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
    broken[middle:] = bytes(len(data) - middle)
    counts = []
    for reader in (video_reader, restricted):
        frames = []
        with pytest.raises(video_reader.BrokenVideoError) as caught:
            frames += list(reader.read_frames(io.BytesIO(bytes(broken))))
        counts.append((len(frames), caught.value.time_s))
    assert counts[0] == counts[1]


def test_a_video_that_is_none_gets_the_same_sentence() -> None:
    for data in (b"", b"#EXTM3U\nfile:///etc/hostname"):
        with pytest.raises(MediaError) as here:
            video_reader.probe(io.BytesIO(data))
        for read in (restricted.probe, lambda file: list(restricted.read_frames(file))):
            with pytest.raises(MediaError) as there:
                read(io.BytesIO(data))
            assert str(there.value) == str(here.value)


def test_a_missing_file_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot be opened: No such file"):
        restricted.probe(tmp_path / "nowhere.mp4")


def test_nothing_is_left_of_a_job() -> None:
    before = children(program())
    frames = restricted.read_frames(clip(200))
    next(frames)
    assert len(children(program())) == len(before) + 1
    frames.close()
    restricted.probe(clip())
    restricted.decode_image(jpeg(np.zeros((8, 8, 3), np.uint8)))
    with pytest.raises(MediaError):
        restricted.probe(io.BytesIO(b"nothing"))
    gc.collect()
    assert children(program()) == before


def test_descriptors_do_not_pile_up() -> None:
    def count() -> int:
        gc.collect()
        return len(list(Path("/proc/self/fd").iterdir()))

    restricted.probe(clip())
    before = count()
    for _ in range(5):
        next(restricted.read_frames(clip()))
        with pytest.raises(MediaError):
            restricted.decode_image(b"nothing")
    assert count() == before


def test_a_crash_costs_one_file_only(astronaut: Image) -> None:
    """A decoder that crashes is told as a broken video; others go on."""
    others = restricted.read_frames(clip(200))
    next(others)
    frames = restricted.read_frames(clip(200))
    seen = [next(frames).time_s]
    os.kill(children(program())[-1], signal.SIGSEGV)
    with pytest.raises(video_reader.BrokenVideoError) as caught:
        seen.extend(frame.time_s for frame in frames)  # what came before the crash is kept
    assert caught.value.time_s == seen[-1]
    assert len(list(others)) == 199
    assert restricted.decode_image(jpeg(astronaut)).shape == astronaut.shape


def test_a_crash_before_the_first_picture_is_a_sentence() -> None:
    job = Job("frames", clip(), restricted.VIDEO_LIMITS, slot=8)  # no picture fits
    with job, pytest.raises(MediaError, match="Only this file is affected"):
        job.receive()


def test_the_program_is_started_again_when_it_is_gone(astronaut: Image) -> None:
    kill_program()
    assert restricted.decode_image(jpeg(astronaut)).shape == astronaut.shape


def test_children_go_with_the_program() -> None:
    frames = restricted.read_frames(clip(200))
    next(frames)
    (child,) = children(program())
    os.kill(program(), signal.SIGKILL)
    with pytest.raises(MediaError):
        list(frames)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)  # whoever adopted it has to notice
    state = Path(f"/proc/{child}/stat")
    assert not state.exists() or " Z " in state.read_text()


def test_too_much_memory_is_a_sentence() -> None:
    photo = jpeg(np.zeros((4000, 4000, 3), np.uint8))
    limits = Limits(memory=30_000_000, cpu_s=10, silence_s=30)
    job = Job("photo", photo, limits, slot=photo_formats.MAX_PIXELS * 3)
    with job, pytest.raises(MediaError, match=r"memory|damaged"):
        job.receive()


def test_a_child_that_hangs_is_stopped() -> None:
    limits = Limits(memory=1_000_000_000, cpu_s=10, silence_s=0.2)
    job = Job("probe", clip(), limits)
    before = children(program())
    with job:
        os.kill(job._pid or 0, signal.SIGSTOP)  # before or after it has answered
        with pytest.raises(MediaError, match=r"more than 0\.2 s"):  # noqa: PT012 or one later
            job.receive()
            job.receive()
    assert children(program()) == before


def test_a_child_that_only_shows_that_it_lives_is_stopped() -> None:
    job = Job("probe", clip(), restricted.PROBE_LIMITS)
    ours, theirs = socket.socketpair()
    with theirs, job:
        job._line.close()
        job._line = ours  # instead of the child's, who would have answered
        job._limits = replace(restricted.PROBE_LIMITS, cpu_s=0)
        theirs.send(b'{"alive": true}')
        with pytest.raises(MediaError, match="more than 0 s for one picture"):
            job.receive()


def test_the_child_holds_nothing_of_the_app() -> None:
    """No environment, no descriptors but its own three and silence."""
    os.environ["FER_TEST_SECRET"] = "canary"  # noqa: S105
    try:
        kill_program()
        frames = restricted.read_frames(clip(200))
        next(frames)
        environment = Path(f"/proc/{program()}/environ").read_bytes()
        (child,) = children(program())
        held = sorted(path.readlink().name for path in Path(f"/proc/{child}/fd").iterdir())
        frames.close()
    finally:
        del os.environ["FER_TEST_SECRET"]
    assert b"PATH=" in environment
    assert b"canary" not in environment
    assert held.count("null") == 3
    assert len([name for name in held if name != "null"]) <= 3, held


@pytest.mark.parametrize(
    ("slot", "shape"),
    [
        (9, [4, 4, 3]),
        (-1, [4, 4, 3]),
        (0, [4000, 4000, 3]),
        (0, [0, 4, 3]),
        (0, [4, 4, 4]),
        (0, [4, 4]),
        ("0", [4, 4, 3]),
        (0, [4.0, 4, 3]),
        (None, None),
    ],
)
def test_a_picture_that_cannot_be_is_refused(slot: object, shape: object) -> None:
    job = Job("probe", clip(), restricted.PROBE_LIMITS, slot=100)
    with job, pytest.raises(MediaError, match="Only this file"):
        job.picture(slot, shape)


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        {"index": -1, "time_s": 0.0, "pts": 0, "cut": False},
        {"index": 0, "time_s": float("nan"), "pts": 0, "cut": False},
        {"index": "0", "time_s": 0.0, "pts": 0, "cut": False},
        {"index": 2**63, "time_s": 0.0, "pts": 0, "cut": False},
        {"index": 0, "time_s": 0.0, "pts": -(2**70), "cut": False},
        {"index": 0, "time_s": 1e300, "pts": 0, "cut": False},
    ],
)
def test_a_frame_that_cannot_be_is_refused(said: object) -> None:
    with pytest.raises(MediaError, match="makes no sense"):
        restricted._frame(said, np.zeros((1, 1, 3), np.uint8))


def test_what_a_video_says_of_itself_is_checked() -> None:
    good = {**vars(video_reader.probe(clip())), "time_base": [1, 10]}
    assert restricted._info(good).width == 64
    for key, value in (
        *(("width", 0), ("height", 10**9), ("fps", "x"), ("frames", 10**400)),
        *(("time_base", [1, 0]), ("time_base", [1, 2**40])),
    ):
        with pytest.raises(MediaError, match="makes no sense"):
            restricted._info(good | {key: value})


def test_a_fence_that_is_missing_is_told() -> None:
    assert decoder_program.weaknesses(("Landlock", "seccomp")) == ()
    (calls,) = decoder_program.weaknesses(("Landlock",))
    assert "not filtered here" in calls
    (files,) = decoder_program.weaknesses(("seccomp",))
    assert "Landlock does not work here" in files
    (both,) = decoder_program.weaknesses(())
    assert "a hole in a decoder would open the files and the network" in both


#: A container that forbids both fences: their calls are not permitted.
CONTAINER = """
import ctypes, os, struct
forbidden = (317, 444, 446)  # seccomp, landlock_create_ruleset, landlock_restrict_self
steps = [(0x20, 0, 0, 0), *((0x15, 3 - n, 0, call) for n, call in enumerate(forbidden))]
steps += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050001)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
header = struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(code))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.syscall(317, 1, 0, header) == 0
"""


def test_where_both_fences_are_forbidden_photos_are_read_and_that_is_told() -> None:
    if "seccomp" not in decoder_program.running().fences:
        pytest.skip("system calls are not filtered on this machine")
    program = f"""
{CONTAINER}
from fer.media import sample
from fer.sandbox import restricted
print(restricted.decode_image(sample.portrait_bytes()).shape[2], *restricted.weaknesses())
"""
    done = run(program)
    assert done.stdout.startswith("3 Neither Landlock nor seccomp works here"), done.stderr
    assert "Neither Landlock nor seccomp works here" in done.stderr  # the log


def test_a_child_that_cannot_be_confined_reads_nothing_and_says_why() -> None:
    """A fence that held when the program began may be refused later."""
    done = run("""
import os, socket
from fer.sandbox import confinement, decoder
def refuse(): raise PermissionError(1, "Operation not permitted")
confinement.FENCES = {"refused": refuse}
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
pictures = os.memfd_create("pictures")
os.ftruncate(pictures, 1)
descriptors = [theirs.fileno(), os.open("/dev/null", os.O_RDONLY), pictures]
if os.fork() == 0:
    request = {"job": "photo", "options": {}, "slot": 1, "memory": 10**9, "cpu_s": 10}
    decoder._work(request, descriptors, ("refused",))
print(ours.recv(9999).decode())
""")
    assert (
        "could not confine the process that decodes them (Operation not permitted)"
        in (json.loads(done.stdout)["error"])
    ), done.stderr


def test_what_holds_here_is_what_is_told_here() -> None:
    fences = decoder_program.running().fences
    assert restricted.weaknesses() == decoder_program.weaknesses(fences)


def test_a_missing_fence_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    unfenced: Any = SimpleNamespace(fences=(), is_running=True)
    programs = decoder_program._Programs(start=lambda: unfenced)
    programs.get()
    programs.get()
    assert [record.message for record in caplog.records] == list(decoder_program.weaknesses(()))


def test_without_a_child_files_are_read_here_and_that_is_told(
    monkeypatch: pytest.MonkeyPatch, astronaut: Image
) -> None:
    monkeypatch.setenv(restricted.UNRESTRICTED_VARIABLE, "1")
    assert restricted.decode_image(jpeg(astronaut)).shape == astronaut.shape
    assert len(list(restricted.read_frames(clip()))) == 30
    assert restricted.probe(clip()).width == 64
    assert "decoded within the app itself" in restricted.weaknesses()[0]

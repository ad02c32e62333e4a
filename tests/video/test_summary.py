from __future__ import annotations

import pytest

from fer.provenance import NOTE
from fer.types import VideoReport
from fer.video.captions import to_webvtt
from fer.video.summary import summarize
from tests.fakes import frame, prediction

FRAMES = (
    frame(prediction(track=1, happy=0.7), prediction(track=2, sad=0.9), index=7, time_s=10.0),
    frame(prediction(track=1, sad=0.7), index=8, time_s=10.1),
    frame(index=9, time_s=10.4),
    frame(prediction(track=1, sad=0.8, quality=("small",)), index=10, time_s=10.5),
)
REPORT = VideoReport("clip.mp4", "m", "h", "d", FRAMES, {"dwell_s": 0.1})


def test_shares_are_of_time_and_not_of_frames() -> None:
    # Frames last 0.1, 0.3, 0.1 and (the median) 0.1 s.
    summary = summarize(REPORT)
    assert (summary["frames"], summary["duration_s"]) == (4, 0.6)
    assert summary["share_without_face"] == pytest.approx(0.1 / 0.6, abs=1e-4)
    first, second = summary["tracks"]
    assert (first["track"], first["first_s"], first["last_s"]) == (1, 10.0, 10.5)
    assert first["share"] == {"happy": 0.2, "sad": 0.6}
    assert first["share_unclear"] == 0.2
    assert second["share"] == {"sad": 1.0}
    assert summary["share"] == {"happy": 0.1667, "sad": 0.6667}  # of 0.6 s of faces


def test_changes_and_peaks() -> None:
    summary = summarize(REPORT)
    first, second = summary["tracks"]
    assert (first["changes"], second["changes"], summary["changes"]) == (1, 0, 1)
    # The flagged frame is more probable, but no peak.
    assert [(p["expression"], p["frame"], p["probability"]) for p in first["peaks"]] == [
        ("happy", 7, 0.7),
        ("sad", 8, 0.7),
    ]
    best = {p["expression"]: p["track"] for p in summary["peaks"]}
    assert best == {"happy": 1, "sad": 2}


def test_a_video_without_frames_or_faces_has_a_summary() -> None:
    none = summarize(VideoReport("a", "m", "h", "d", ()))
    assert (none["frames"], none["share_without_face"], none["tracks"]) == (0, None, [])
    empty = summarize(VideoReport("a", "m", "h", "d", (frame(),)))
    assert (empty["share_without_face"], empty["share"], empty["share_unclear"]) == (1.0, {}, None)


def test_captions_run_on_the_clock_of_the_annotated_video() -> None:
    assert to_webvtt(REPORT) == (
        f"WEBVTT\n\nNOTE {NOTE}\n\n"
        "00:00:00.000 --> 00:00:00.100\n#1 looks happy (70%)\n\n"
        "00:00:00.000 --> 00:00:00.100\n#2 looks sad (90%)\n\n"
        "00:00:00.100 --> 00:00:00.400\n#1 looks sad (70%)\n"
    )
    assert to_webvtt(VideoReport("a", "m", "h", "d", ())) == f"WEBVTT\n\nNOTE {NOTE}\n"


def test_captions_count_hours() -> None:
    late = (
        frame(prediction(track=1), index=0, time_s=0.0),
        frame(prediction(track=1, sad=0.9), index=1, time_s=3723.4),
    )
    written = to_webvtt(VideoReport("a", "m", "h", "d", late, {"dwell_s": 0.0}))
    assert "01:02:03.400 --> " in written

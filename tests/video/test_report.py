from __future__ import annotations

import json
import math
import tracemalloc
from dataclasses import replace

import pandas as pd
import pytest
from jsonschema import Draft202012Validator, ValidationError

from fer.paths import ASSETS
from fer.types import EMOTIONS, FrameResult, VideoReport
from fer.video import report
from fer.video.frame_log import FrameLog
from tests.fakes import frame, prediction

BOX = (10, 20, 50, 60)
FRAMES = (
    frame(prediction(BOX, track=1, happy=0.7), prediction(track=2, sad=0.9), index=0, time_s=0.0),
    frame(prediction(BOX, track=1, sad=0.7, quality=()), index=1, time_s=0.1),
    frame(index=2, time_s=0.4),
    frame(prediction(BOX, track=1, sad=0.7, quality=("small",)), index=3, time_s=0.5),
)


def of(*frames: FrameResult) -> VideoReport:
    return VideoReport(
        "clip.mp4",
        "fake-cnn",
        "f" * 64,
        "fake detector",
        frames,
        {"created": "2026-01-02T03:04:05+00:00", "versions": {"av": "1"}, "dwell_s": 0.1},
    )


def test_frames_csv_is_the_contract_to_the_letter() -> None:
    lines = "".join(report.frames_csv(of(*FRAMES))).splitlines()
    assert lines[0] == (
        "frame,time_s,track,x0,y0,x1,y1,score,label,confidence,"
        "angry,disgust,fear,happy,sad,surprise,neutral,quality"
    )
    assert lines[1] == (
        "0,0.0000,1,10,20,50,60,0.9000,happy,0.7000,"
        "0.0500,0.0500,0.0500,0.7000,0.0500,0.0500,0.0500,"
    )
    assert lines[4] == "2,0.4000" + "," * 16
    assert lines[5].endswith(",small")
    assert len(lines) == 1 + 5


def test_a_long_video_is_written_in_pieces_that_fit_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = [[*write(of(*FRAMES))] for write in (report.frames_csv, report.raw_csv)]
    assert [len(pieces) for pieces in whole] == [1, 1]
    for piece in (1, 2, 3):
        monkeypatch.setattr(report, "_PIECE", piece)
        for [text], write in zip(whole, (report.frames_csv, report.raw_csv), strict=True):
            pieces = [*write(of(*FRAMES))]
            assert len(pieces) == math.ceil(4 / piece)  # frames, and faces
            assert "".join(pieces) == text


def test_raw_csv_keeps_decisions_and_what_was_before_smoothing() -> None:
    lines = "".join(report.raw_csv(of(*FRAMES))).splitlines()
    assert lines[0] == "frame,time_s,track,decision,angry,disgust,fear,happy,sad,surprise,neutral"
    assert lines[1] == "0,0.0000,1,happy,0.0500,0.0500,0.0500,0.7000,0.0500,0.0500,0.0500"
    assert len(lines) == 1 + 4  # a frame without a face has nothing to say here


def test_table_has_a_row_for_every_frame_and_nullable_integers() -> None:
    table = report.to_table(of(*FRAMES))
    assert tuple(table.columns) == report.FRAME_COLUMNS
    assert table["frame"].tolist() == [0, 0, 1, 2, 3]
    assert str(table["track"].dtype) == "Int64"
    assert table["track"].isna().tolist() == [False, False, False, True, False]


def test_a_video_without_any_face_keeps_its_columns() -> None:
    table = report.to_table(of(frame(), frame(index=1, time_s=0.1)))
    assert tuple(table.columns) == report.FRAME_COLUMNS
    assert len(table) == 2
    assert table[list(EMOTIONS)].isna().all(axis=None)
    assert pd.api.types.is_float_dtype(table["happy"])


def test_photos_have_a_row_per_face_and_one_without() -> None:
    two = frame(prediction(BOX), prediction(BOX, sad=0.9))
    lines = report.format_csv(report.faces_table([("a.jpg", two), ("b, c.jpg", frame())]))
    header, first, second, empty = lines.splitlines()
    assert header == "file,face," + ",".join(report.FACE_COLUMNS)
    assert first.startswith("a.jpg,1,,10,20,50,60,0.9000,happy,")
    assert second.startswith("a.jpg,2,,10,20,50,60,0.9000,sad,")
    assert empty == '"b, c.jpg"' + "," * 17


def test_segments_csv_has_a_row_per_segment() -> None:
    lines = report.format_csv(report.segments_table(of(*FRAMES))).splitlines()
    assert lines == [
        "track,start_s,end_s,expression,probability,reason,frames",
        "1,0.0000,0.1000,happy,0.7000,,1",
        "1,0.1000,0.4000,sad,0.7000,,1",
        "1,0.5000,0.6000,,,small,1",
        "2,0.0000,0.1000,sad,0.9000,,1",
    ]


def test_videos_csv_has_a_row_per_video() -> None:
    table = report.videos_table([of(*FRAMES), of(frame(), frame(index=1, time_s=0.5))])
    first, empty = report.format_csv(table).splitlines()[1:]
    assert first == (
        "clip.mp4,4,0.6000,2,1,0.1667,0.1667,0.0000,0.0000,0.0000,0.1667,0.6667,0.0000,0.0000"
    )
    assert empty == "clip.mp4,2,1.0000,0,0,1.0000," + "," * 7


def test_json_tells_what_was_done_and_what_it_is_not_for() -> None:
    content = json.loads(report.to_json(of(*FRAMES)))
    assert content["source"] == "clip.mp4"
    assert content["model_hash"] == "f" * 64
    assert content["created"].startswith("2026")
    assert content["versions"] == {"av": "1"}
    assert content["settings"] == {"dwell_s": 0.1}
    assert "not for decisions about people" in content["note"]


def test_json_of_one_frame_and_of_none() -> None:
    one = json.loads(report.to_json(of(frame(prediction(track=1)))))
    assert one["tracks"][0]["share"] == {"happy": 1.0}
    none = json.loads(report.to_json(of()))
    assert none["share_without_face"] is None
    assert "".join(report.frames_csv(of())).count("\n") == 1
    assert "".join(report.raw_csv(of())).count("\n") == 1


@pytest.mark.parametrize("frames", [FRAMES, FRAMES[:1], FRAMES[2:3], ()])
def test_json_is_as_its_schema_says(frames: tuple[FrameResult, ...]) -> None:
    schema = json.loads((ASSETS / "report.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    content = json.loads(report.to_json(of(*frames)))
    Draft202012Validator(schema).validate(content)
    with pytest.raises(ValidationError):
        Draft202012Validator(schema).validate({**content, "frames": -1})


def test_json_refuses_what_other_programs_could_not_read() -> None:
    bad = VideoReport("a", "m", "h", "d", (), {"fps": math.nan})
    with pytest.raises(ValueError, match="JSON"):
        report.to_json(bad)


def test_a_longer_video_takes_hardly_more_memory_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "_PIECE", 500)

    def peaks(count: int) -> list[int]:
        log = FrameLog.of(
            frame(prediction(BOX, track=1, happy=0.7), index=i, time_s=i / 25) for i in range(count)
        )
        found = []
        for write in (report.frames_csv, report.raw_csv):
            tracemalloc.start()
            written = sum(map(len, write(replace(of(), frames=log))))
            found.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert written > 60 * count
        return found

    # A decision for every face takes some bytes; its line of text and its row of a table do not.
    for short, long in zip(peaks(1_000), peaks(6_000), strict=True):
        assert long - short < 5_000 * 100

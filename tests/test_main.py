from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from fer.__main__ import main
from fer.errors import ModelError
from fer.fer2013.dataset import load_dataset
from fer.media.sample import make_sample_clip, portrait_bytes
from fer.pipeline import Analyzer
from fer.types import EMOTIONS
from fer.video.analysis import probe
from tests.fakes import FakeClassifier, FakeDetector

FACE_COLUMNS = [
    *("track", "x0", "y0", "x1", "y1", "score", "label", "confidence"),
    *EMOTIONS,
    "quality",
]


def make_analyzer(run: str | None) -> Analyzer:
    if run not in (None, "fake-cnn"):
        raise ModelError(f"There is no trained run {run!r}.")
    return Analyzer(FakeDetector(), FakeClassifier("happy", 0.7))


def run(*arguments: object) -> int:
    """Run the command line and return its exit code."""
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments], make_analyzer=make_analyzer)
    assert isinstance(left.value.code, int)
    return left.value.code


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    path = tmp_path / "portrait.jpg"
    path.write_bytes(portrait_bytes())
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    make_sample_clip(path)
    return path


def kaggle_folder(root: Path) -> Path:
    """Write a tiny FER2013 in the Kaggle layout."""
    for part in ("train", "test"):
        for label, expression in enumerate(EMOTIONS):
            folder = root / part / expression
            folder.mkdir(parents=True)
            face = np.full((48, 48), 30 * label, np.uint8)
            PillowImage.fromarray(face).save(folder / f"{expression}.png")
    return root


COMMANDS = [
    *(["video"], ["photo"], ["detector"], ["train"], ["evaluate"], ["export"]),
    *(["data"], ["data", "import"], ["data", "audit"]),
]


@pytest.mark.parametrize("command", [[], *COMMANDS])
def test_help_explains_every_command(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*command, "--help") == 0
    assert "Usage: python -m fer" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["video"],
        ["video", "clip.mp4"],
        ["video", "clip.mp4", "-o", "out", "--smoothing", "-1"],
        ["photo", "-o", "out"],
        ["train", "--epochs"],
    ],
)
def test_wrong_usage_leaves_with_2(arguments: list[str]) -> None:
    assert run(*arguments) == 2


VIDEO_FILES = {
    *("annotated.mp4", "captions.vtt", "frames.csv", "raw.csv", "report.json", "segments.csv"),
    *("timeline.png", "moments"),
}


def test_video_writes_all_its_files(tmp_path: Path, clip: Path) -> None:
    out = tmp_path / "out"
    assert run("video", clip, "-o", out) == 0
    assert {path.name for path in out.iterdir()} == VIDEO_FILES

    table = rows(out / "frames.csv")
    assert list(table[0])[:18] == ["frame", "time_s", *FACE_COLUMNS]
    assert [row["frame"] for row in table] == [str(i) for i in range(60)]
    assert {row["label"] for row in table} == {"happy"}
    assert {row["track"] for row in table} == {"1"}

    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["source"] == "clip.mp4"
    assert report["model"] == "fake-cnn"
    assert str(tmp_path) not in json.dumps(report)

    info = probe(out / "annotated.mp4")
    assert (info.width, info.height, info.frames) == (480, 360, 60)


def test_video_options_reach_the_analysis(tmp_path: Path, clip: Path) -> None:
    out = tmp_path / "out"
    part = ("--from", "1", "--to", "2", "--fps", "5", "--dwell", "0.2", "--smoothing", "0")
    search = ("--search", "0.1")
    assert (
        run("video", clip, "-o", out, *part, *search, "--blur", "--keep", "2", "--plain", "--zip")
        == 0
    )
    assert [path.name for path in out.iterdir()] == ["clip.zip"]
    with zipfile.ZipFile(out / "clip.zip") as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == VIDEO_FILES
        settings = json.loads(archive.read("report.json"))["settings"]
        frames = archive.read("frames.csv").decode().splitlines()
    assert len(frames) == 1 + 5
    chosen = {"start_s": 1.0, "end_s": 2.0, "fps": 5.0, "dwell_s": 0.2, "smoothing_s": 0.0}
    assert chosen.items() <= settings.items()
    assert settings["search_s"] == 0.1
    assert (settings["blurred"], settings["keep"], settings["drawn"]) == (True, [2], False)


def test_a_folder_of_videos_gives_a_folder_each_and_one_table(
    tmp_path: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("a.mp4", "b.MP4"):
        (folder / name).write_bytes(clip.read_bytes())
    (folder / "bad.mp4").write_bytes(b"junk")
    (folder / "notes.txt").write_bytes(b"not looked at")
    out = tmp_path / "out"
    assert run("video", folder, "-o", out, "--jobs", "2", "--fps", "2") == 1
    assert re.fullmatch(r"Error: bad\.mp4: [^\n]+\n", capsys.readouterr().err)
    table = rows(out / "videos.csv")
    assert [(row["file"], row["frames"], row["faces"], row["happy"]) for row in table] == [
        ("a.mp4", "8", "1", "1.0000"),
        ("b.MP4", "8", "1", "1.0000"),
    ]
    assert {path.name for path in (out / "b").iterdir()} == VIDEO_FILES
    assert not (out / "bad").exists()


def test_a_pattern_that_no_shell_has_replaced_names_many_videos(tmp_path: Path, clip: Path) -> None:
    for name in ("a1.mp4", "a2.mp4", "b1.mp4"):
        (tmp_path / name).write_bytes(clip.read_bytes())
    out = tmp_path / "out"
    assert run("video", tmp_path / "a*.mp4", "-o", out, "--fps", "1") == 0
    assert [row["file"] for row in rows(out / "videos.csv")] == ["a1.mp4", "a2.mp4"]
    assert run("video", tmp_path / "none*.mp4", "-o", out) == 1


def test_videos_of_one_name_and_empty_folders_are_refused(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "other").mkdir()
    assert run("video", tmp_path / "other", "-o", tmp_path / "out") == 1
    (tmp_path / "other" / "clip.mkv").write_bytes(clip.read_bytes())
    assert run("video", clip, tmp_path / "other", "-o", tmp_path / "out") == 1


@pytest.mark.parametrize("content", [None, b"", b"not a video"])
def test_what_is_no_video_is_one_line_on_stderr(
    tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "broken.mp4"
    if content is not None:
        source.write_bytes(content)
    assert run("video", source, "-o", tmp_path / "out") == 1
    said = capsys.readouterr()
    assert re.fullmatch(r"Error: [^\n]+\n", said.err)
    assert said.out == ""
    assert not (tmp_path / "out").exists()


def test_a_damaged_video_is_analysed_as_far_as_it_goes(
    tmp_path: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = clip.read_bytes()
    clip.write_bytes(whole[: len(whole) // 2])
    assert run("video", clip, "-o", tmp_path / "out") == 0
    assert "damaged" in capsys.readouterr().err
    assert 0 < len(rows(tmp_path / "out" / "frames.csv")) < 60


def test_a_result_never_replaces_its_source(
    tmp_path: Path, clip: Path, portrait: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = clip.rename(tmp_path / "annotated.mp4")
    (tmp_path / "annotated").mkdir()
    photo = portrait.rename(tmp_path / "annotated" / "portrait.jpg")
    before = video.read_bytes(), photo.read_bytes()
    assert run("video", video, "-o", tmp_path) == 1
    assert run("photo", photo, "-o", tmp_path) == 1
    assert (video.read_bytes(), photo.read_bytes()) == before
    assert capsys.readouterr().err.count("would overwrite") == 2


def test_an_unknown_model_is_named(
    tmp_path: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("video", clip, "-o", tmp_path / "out", "--model", "nobody") == 1
    assert "'nobody'" in capsys.readouterr().err


def test_photo_writes_the_table_and_the_pictures(tmp_path: Path, portrait: Path) -> None:
    png = tmp_path / "same.png"
    with PillowImage.open(portrait) as picture:
        size = picture.size
        picture.save(png)
    out = tmp_path / "out"
    assert run("photo", portrait, png, "-o", out) == 0

    table = rows(out / "faces.csv")
    assert list(table[0]) == ["file", "face", *FACE_COLUMNS]
    assert [(row["file"], row["face"]) for row in table] == [
        ("portrait.jpg", "1"),
        ("same.png", "1"),
    ]
    for name, kind in (("portrait.jpg", "JPEG"), ("same.png", "PNG")):
        with PillowImage.open(out / "annotated" / name) as drawn:
            assert drawn.format == kind
            assert drawn.size == size


def test_one_bad_photo_does_not_stop_the_others(
    tmp_path: Path, portrait: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"junk")
    missing = tmp_path / "missing.jpg"
    out = tmp_path / "out"
    assert run("photo", bad, missing, portrait, "-o", out) == 1
    said = capsys.readouterr().err.splitlines()
    assert [line.split(":")[:2] for line in said] == [
        ["Error", " bad.jpg"],
        ["Error", " missing.jpg"],
    ]
    assert [row["file"] for row in rows(out / "faces.csv")] == ["portrait.jpg"]


def test_photos_of_one_name_are_refused(tmp_path: Path, portrait: Path) -> None:
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / portrait.name
    twin.write_bytes(portrait.read_bytes())
    assert run("photo", portrait, twin, "-o", tmp_path / "out") == 1


def test_an_unwritable_folder_is_one_line(
    tmp_path: Path, portrait: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("a file where the folder should be", encoding="utf-8")
    assert run("video", portrait, "-o", tmp_path / "out") == 1
    assert re.fullmatch(r"Error: [^\n]+\n", capsys.readouterr().err)


def test_data_import_stores_and_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FER_DATA", str(tmp_path / "data"))
    assert run("data", "import", kaggle_folder(tmp_path / "source")) == 0
    assert "not published" in capsys.readouterr().out
    assert len(load_dataset().labels) == 14
    assert run("data", "audit") == 0
    assert "     7  test twins\n" in capsys.readouterr().out


def test_data_import_compares_with_the_published_counts(
    fer2013_zip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FER_DATA", str(tmp_path))
    assert run("data", "import", fer2013_zip) == 0
    assert "All counts are the published ones." in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [["data", "audit"], ["train"], ["train", "--recipe", "nobody's"], ["evaluate"], ["export"]],
)
def test_what_is_missing_is_one_line(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FER_DATA", str(tmp_path))
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    assert run(*arguments) == 1
    assert re.fullmatch(r"Error: [^\n]+\n", capsys.readouterr().err)


def test_it_runs_as_a_module(tmp_path: Path) -> None:
    """The whole way once: a process of its own, and what it leaves on its streams."""
    done = subprocess.run(
        [sys.executable, "-m", "fer", "video", "nothing.mp4", "-o", str(tmp_path)],
        env={**os.environ, "FER_MODELS": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert re.fullmatch(r"Error: [^\n]+\n", done.stderr)
    assert done.stdout == ""

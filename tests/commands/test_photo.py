"""``python -m fer photo``: what differs from reading a photo on the page is files and options."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from fer.__main__ import main
from fer.media.sample import portrait, portrait_bytes
from fer.pipeline import Analyzer
from fer.provenance import NOTE
from fer.types import Face, Image
from tests.fakes import FakeClassifier, FakeDetector

LEFT, RIGHT = (20, 20, 60, 70), (200, 20, 240, 70)


class FindsTwoOnce(FakeDetector):
    """Two faces in a photo as it came; nobody in what was made of it."""

    def detect(self, image: Image) -> tuple[Face, ...]:
        unchanged = np.array_equal(image, portrait())
        return super().detect(image) if unchanged else ()


def run(*arguments: object) -> int:
    """Run the command and return its exit code."""
    with pytest.raises(SystemExit) as left:
        main(
            ["photo", *map(str, arguments)],
            make_analyzer=lambda _: Analyzer(FindsTwoOnce((LEFT, RIGHT)), FakeClassifier()),
        )
    assert isinstance(left.value.code, int)
    return left.value.code


def save(path: Path) -> Path:
    path.write_bytes(portrait_bytes())
    return path


def same(picture: Image, box: tuple[int, int, int, int]) -> bool:
    x0, y0, x1, y1 = box
    return bool(np.array_equal(picture[y0:y1, x0:x1], portrait()[y0:y1, x0:x1]))


def test_the_report_tells_how_it_came_about(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(save(tmp_path / "a.jpg"), "-o", out, "--confidence", 0.9) == 0
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["note"] == NOTE
    assert report["model_hash"] == "f" * 64
    assert report["settings"]["least_confidence"] == 0.9
    assert [face["unsure"] for face in report["photos"][0]["faces"]] == [True, True]


def test_everyone_is_hidden_but_who_stays(tmp_path: Path) -> None:
    png = tmp_path / "a.png"  # without loss: what is not blurred can be compared
    PIL.Image.fromarray(portrait()).save(png)
    out = tmp_path / "out"
    assert run(png, "-o", out, "--blur", "--keep", 2, "--plain") == 0
    with PIL.Image.open(out / "annotated" / "a.png") as file:
        picture = np.asarray(file)
    assert not same(picture, LEFT)
    assert same(picture, RIGHT)
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["photos"][0]["not_blurred"] == [2]


def test_pictures_of_one_stem_do_not_replace_each_other(tmp_path: Path) -> None:
    one, other = save(tmp_path / "a.jpg"), save(tmp_path / "a.webp")
    assert run(one, other, "-o", tmp_path / "out") == 0
    written = sorted(path.name for path in (tmp_path / "out" / "annotated").iterdir())
    assert written == ["a (2).jpg", "a.jpg"]


def test_what_a_file_holds_besides_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = [PIL.Image.new("RGB", (320, 160), colour) for colour in ("red", "blue")]
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:])
    assert run(tmp_path / "a.gif", "-o", tmp_path / "out") == 0
    assert "a.gif: The file holds 2 pictures" in capsys.readouterr().out

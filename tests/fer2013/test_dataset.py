from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PillowImage

from fer.errors import DatasetError
from fer.fer2013.dataset import VOTE_COLUMNS, Dataset, count_table, import_dataset, load_dataset
from fer.paths import PROJECT
from tests.tiny_fer2013 import (
    picture_names,
    png,
    tiny_dataset,
    write_csv,
    write_folder,
    write_zip,
)


def assert_same(found: Dataset, expected: Dataset) -> None:
    for name in ("images", "labels", "rows", "splits"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize(
    ("write", "name"),
    [(write_folder, "kaggle"), (write_zip, "kaggle.zip"), (write_csv, "fer2013.csv")],
)
def test_every_layout_gives_the_same_data(
    write: Callable[[Dataset, Path], Path], name: str, tmp_path: Path
) -> None:
    dataset = tiny_dataset()
    target = tmp_path / "out" / "fer2013.npz"
    seen: list[int] = []
    import_dataset(write(dataset, tmp_path / name), target=target, on_progress=seen.append)
    assert_same(load_dataset(target), dataset)
    assert seen == list(range(1, len(dataset.images) + 1))
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_splits_are_kept_apart() -> None:
    dataset = tiny_dataset(per_class=3)
    assert len(dataset.split("train")) == 21
    assert len(dataset.split("test")) == 14
    assert len(dataset.split("PublicTest")) == 7
    assert not set(dataset.split("train").rows) & set(dataset.split("test").rows)


def test_a_zip_may_have_a_folder_around_it_and_system_files(tmp_path: Path) -> None:
    dataset = tiny_dataset()
    path = tmp_path / "fer.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/__MACOSX/train/angry/._Training_00000.png", b"junk")
        archive.writestr("archive/train/angry/.DS_Store", b"junk")
        archive.writestr("archive/readme.txt", b"hello")
        for name, image in zip(picture_names(dataset), dataset.images, strict=True):
            archive.writestr(f"archive/{name}", png(image))
    assert_same(import_dataset(path, target=tmp_path / "x.npz"), dataset)


def test_numbers_that_are_no_rows_are_not_taken_for_rows(tmp_path: Path) -> None:
    dataset = tiny_dataset()
    folder = tmp_path / "kaggle"
    for i, name in enumerate(picture_names(dataset)):
        path = folder / name.replace(f"_{i:05d}", f"_{10_118_481 + i}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(dataset.images[i]))
    found = import_dataset(folder, target=tmp_path / "x.npz")
    assert not found.official_rows
    assert sorted(found.rows) == list(range(len(dataset.images)))
    votes = tmp_path / "votes.csv"
    votes.write_text("row\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="do not tell the rows"):
        import_dataset(folder, votes, target=tmp_path / "x.npz")


def test_plain_names_give_plain_splits(tmp_path: Path) -> None:
    dataset = tiny_dataset()
    folder = tmp_path / "kaggle"
    for i, name in enumerate(picture_names(dataset)):
        path = folder / Path(name).parent / f"face{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(dataset.images[i]))
    found = import_dataset(folder, target=tmp_path / "x.npz")
    assert set(found.splits) == {"train", "test"}
    assert len(found.split("test")) == 14
    assert count_table(found)["published"].isna().all()


def _replace(path: Path, name: str, data: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = {entry: archive.read(entry) for entry in archive.namelist()}
    entries[name] = data
    with zipfile.ZipFile(path, "w") as archive:
        for entry, content in entries.items():
            archive.writestr(entry, content)


GREY = np.zeros((48, 48), np.uint8)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("train/bored/Training_00099.png", png(GREY), "train/bored is no expression"),
        ("angry/Training_00099.png", png(GREY), "not where it should be"),
        ("train/angry/PublicTest_00099.png", png(GREY), "its name says PublicTest"),
        ("train/angry/Training_00099.png", png(GREY[:47]), "48x47 pixels"),
        ("train/angry/Training_00099.png", png(np.zeros((48, 48, 3), np.uint8)), "8-bit grey"),
        ("train/angry/Training_00099.png", b"no picture", "not a readable PNG"),
        ("train/angry/Training_00099.png", png(GREY)[:60], "not a readable PNG"),
        ("../train/angry/Training_00099.png", png(GREY), "unsafe path"),
        ("/train/angry/Training_00099.png", png(GREY), "unsafe path"),
        ("train\\angry\\Training_00099.png", png(GREY), "unsafe path"),
        ("train/angry/Training_00099.png", b"0" * 1_000_001, "too large"),
    ],
)
def test_what_does_not_belong_in_the_zip_is_named(
    name: str, data: bytes, message: str, tmp_path: Path
) -> None:
    path = write_zip(tiny_dataset(), tmp_path / "fer.zip")
    _replace(path, name, data)
    with pytest.raises(DatasetError, match=message):
        import_dataset(path, target=tmp_path / "fer2013.npz")
    assert not (tmp_path / "fer2013.npz").exists()


def test_missing_class(tmp_path: Path) -> None:
    folder = write_folder(tiny_dataset(), tmp_path / "kaggle")
    for picture in (folder / "test" / "disgust").iterdir():
        picture.unlink()
    with pytest.raises(DatasetError, match="test part has no pictures of: disgust"):
        import_dataset(folder, target=tmp_path / "fer2013.npz")


def test_not_a_zip_truncated_zip_nothing_there(tmp_path: Path) -> None:
    path = write_zip(tiny_dataset(), tmp_path / "fer.zip")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(DatasetError, match="not a complete zip"):
        import_dataset(path, target=tmp_path / "x.npz")
    path.write_bytes(b"hello")
    with pytest.raises(DatasetError, match="not a complete zip"):
        import_dataset(path, target=tmp_path / "x.npz")
    with pytest.raises(DatasetError, match="There is no file or folder"):
        import_dataset(tmp_path / "absent", target=tmp_path / "x.npz")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="No pictures found"):
        import_dataset(tmp_path / "empty", target=tmp_path / "x.npz")


def test_a_zip_damaged_inside_is_named(tmp_path: Path) -> None:
    path = write_zip(tiny_dataset(), tmp_path / "fer.zip")
    data = bytearray(path.read_bytes())
    data[200:260] = bytes(60)
    path.write_bytes(bytes(data))
    with pytest.raises(DatasetError, match=r"damaged at train/angry/Training_00000\.png"):
        import_dataset(path, target=tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("3," + "1 " * 2000 + ",Training", "has 2000 pixels"),
        ("3", "has 0 pixels"),
        ("3," + "256 " * 2304 + ",Training", "not 0 to 255"),
        ("3," + "x " * 2304 + ",Training", "not 0 to 255"),
        ("7," + "1 " * 2304 + ",Training", "unknown label '7'"),
        ("3," + "1 " * 2304 + ",Later", "unknown usage 'Later'"),
    ],
)
def test_a_bad_csv_row_is_named_by_its_line(line: str, message: str, tmp_path: Path) -> None:
    dataset = tiny_dataset()
    path = write_csv(dataset, tmp_path / "fer2013.csv")
    with path.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
    with pytest.raises(DatasetError, match=message) as caught:
        import_dataset(path, target=tmp_path / "x.npz")
    assert f"Line {len(dataset.images) + 2} " in str(caught.value)


def test_a_csv_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"is not fer2013\.csv"):
        import_dataset(path, target=tmp_path / "x.npz")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="cannot be read"):
        import_dataset(path, target=tmp_path / "x.npz")
    path.write_text("emotion,pixels,Usage\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="No pictures"):
        import_dataset(path, target=tmp_path / "x.npz")


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    source = write_folder(tiny_dataset(), tmp_path / "kaggle")
    target = tmp_path / "out" / "fer2013.npz"
    target.parent.mkdir()
    target.write_bytes(b"the older one")
    # A limit on the size of files stands in for a full disk: the write fails half-way.
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from fer.fer2013.dataset import import_dataset; from fer.errors import DatasetError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: import_dataset(Path(sys.argv[1]), target=Path(sys.argv[2]))\n"
        "except DatasetError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(source), str(target)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "could not be written" in done.stdout
    assert target.read_bytes() == b"the older one"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04 cut off"])
def test_a_damaged_or_absent_store_says_what_to_do(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "fer2013.npz"
    with pytest.raises(DatasetError, match="data import"):
        load_dataset(path)
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="Import the data set again"):
        load_dataset(path)


def _votes(dataset: Dataset) -> pd.DataFrame:
    table = pd.DataFrame({"row": dataset.rows, "split": dataset.splits})
    for i, name in enumerate(VOTE_COLUMNS):
        table[f"votes_{name}"] = (dataset.rows + i) % 10
    return table


def test_votes_join_by_row_whatever_their_order(tmp_path: Path) -> None:
    dataset = tiny_dataset()
    table = _votes(dataset).sample(frac=1, random_state=0)
    table.loc[table["row"] == 4, [f"votes_{name}" for name in VOTE_COLUMNS]] = None
    path = tmp_path / "votes.csv"
    table.to_csv(path, index=False)
    source, target = write_csv(dataset, tmp_path / "fer2013.csv"), tmp_path / "x.npz"
    import_dataset(source, path, target=target)
    votes = load_dataset(target).votes
    assert votes is not None
    assert votes[4].sum() == 0
    assert votes[5].tolist() == [5, 6, 7, 8, 9, 0, 1, 2, 3, 4]


def test_the_original_table_of_votes_is_taken_too(tmp_path: Path) -> None:
    dataset = tiny_dataset()
    table = _votes(dataset).rename(columns={"split": "Usage"}).drop(columns="row")
    table = table.rename(columns=lambda name: name.removeprefix("votes_"))
    path = tmp_path / "fer2013new.csv"
    table.to_csv(path, index=False)
    found = import_dataset(
        write_csv(dataset, tmp_path / "fer2013.csv"), path, target=tmp_path / "x.npz"
    )
    assert found.votes is not None
    assert found.votes[5].tolist() == [5, 6, 7, 8, 9, 0, 1, 2, 3, 4]


def test_votes_of_another_data_set_are_refused(tmp_path: Path) -> None:
    dataset = tiny_dataset()
    source, path = write_csv(dataset, tmp_path / "fer2013.csv"), tmp_path / "votes.csv"
    table = _votes(dataset)
    table["split"] = table["split"].to_numpy()[::-1]
    table.to_csv(path, index=False)
    with pytest.raises(DatasetError, match="does not belong"):
        import_dataset(source, path, target=tmp_path / "x.npz")
    path.write_text("row,split\n0,Training\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="not a table of FER\\+ votes"):
        import_dataset(source, path, target=tmp_path / "x.npz")


def test_jpeg_pictures_are_taken(tmp_path: Path) -> None:
    folder = write_folder(tiny_dataset(), tmp_path / "kaggle")
    for path in list(folder.rglob("*.png")):
        with PillowImage.open(path) as picture:
            picture.save(path.with_suffix(".jpg"), quality=95)
        path.unlink()
    found = import_dataset(folder, target=tmp_path / "x.npz")
    assert len(found.images) == len(tiny_dataset().images)


def test_the_real_data_set_has_the_published_counts(fer2013: Dataset) -> None:
    table = count_table(fer2013)
    assert table["images"].sum() == 35_887
    assert (table["images"] == table["published"]).all()

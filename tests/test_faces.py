"""The detectors on real faces, and where YuNet's file comes from."""

from __future__ import annotations

import shutil
import socket
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from fer import faces
from fer.errors import DetectorError
from fer.faces import (
    YUNET_FILE,
    HaarDetector,
    YuNetDetector,
    create_detector,
    detector_status,
    find_yunet,
)
from fer.fer2013.dataset import Dataset
from fer.images import crop_face
from fer.media.photo_formats import decode_image
from fer.types import Detector, Face, Image

#: The astronaut's face, by eye: hairline to chin, cheek to cheek.
ASTRONAUT = (175, 60, 265, 180)


@pytest.fixture(scope="module")
def yunet(yunet_model: Path) -> YuNetDetector:
    return YuNetDetector(yunet_model)


@pytest.fixture(scope="module")
def haar() -> HaarDetector:
    return HaarDetector()


@pytest.fixture(params=["yunet", "haar"])
def detector(request: pytest.FixtureRequest) -> Detector:
    chosen: Detector = request.getfixturevalue(request.param)
    return chosen


def overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    """Intersection over union."""
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (a, b))
    return width * height / (areas - width * height)


def photo(media: Path, name: str) -> Image:
    return decode_image((media / name).read_bytes())


def frames(path: Path, step: int) -> Iterator[Image]:
    with av.open(path) as video:
        for index, frame in enumerate(video.decode(video=0)):
            if index % step == 0:
                yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def only(found: tuple[Face, ...]) -> Face:
    assert len(found) == 1
    return found[0]


def test_one_face_is_found_where_it_is(detector: Detector, astronaut: Image) -> None:
    face = only(detector.detect(astronaut))
    assert overlap(face.box, ASTRONAUT) > 0.6
    assert 0.5 < face.score <= 1


def test_faces_that_fill_the_picture_are_found(yunet: YuNetDetector, fer2013: Dataset) -> None:
    faces = fer2013.split("test").images[::120]
    found = [bool(yunet.detect(np.repeat(face[..., np.newaxis], 3, axis=2))) for face in faces]
    assert np.mean(found) > 0.97  # without the second search 0.89


def test_landmarks_are_in_the_agreed_order(yunet: YuNetDetector, astronaut: Image) -> None:
    face = only(yunet.detect(astronaut))
    assert face.landmarks is not None
    assert face.landmarks.dtype == np.float32
    right_eye, left_eye, nose, right_mouth, left_mouth = face.landmarks
    assert right_eye[0] < nose[0] < left_eye[0]  # the person's right is on the picture's left
    assert right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
    x0, y0, x1, y1 = face.box
    assert (face.landmarks >= (x0, y0)).all()
    assert (face.landmarks <= (x1, y1)).all()


def test_both_detectors_mean_the_same_by_a_box(
    yunet: YuNetDetector, haar: HaarDetector, media: Path
) -> None:
    picture = photo(media, "pyfeat_single_face.jpg")
    assert overlap(only(yunet.detect(picture)).box, only(haar.detect(picture)).box) > 0.75


@pytest.mark.parametrize("scale", [0.4, 1.7])
def test_boxes_are_in_pixels_of_the_picture_given(
    detector: Detector, astronaut: Image, scale: float
) -> None:
    other = cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    x0, y0, x1, y1 = (round(value * scale) for value in only(detector.detect(astronaut)).box)
    largest = detector.detect(np.asarray(other, np.uint8))[0]
    assert overlap(largest.box, (x0, y0, x1, y1)) > 0.7


def test_the_size_of_the_picture_may_change_within_a_stream(
    yunet: YuNetDetector, astronaut: Image
) -> None:
    before = only(yunet.detect(astronaut)).box
    assert len(yunet.detect(astronaut[:300, :400])) == 1
    assert only(yunet.detect(astronaut)).box == before


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 500), (500, 1), (3, 3), (48, 48), (480, 640), (10, 5000)]
)
def test_no_face_is_an_empty_tuple(detector: Detector, shape: tuple[int, int]) -> None:
    assert detector.detect(np.full((*shape, 3), 128, np.uint8)) == ()


def test_views_of_other_arrays_are_fine(detector: Detector, astronaut: Image) -> None:
    x0, y0, x1, y1 = only(detector.detect(astronaut)).box
    mirrored = only(detector.detect(astronaut[:, ::-1])).box
    assert overlap(mirrored, (512 - x1, y0, 512 - x0, y1)) > 0.7
    upright = np.rot90(np.rot90(astronaut, 3))  # as a video with a rotation mark is turned
    assert only(detector.detect(upright)).box == (x0, y0, x1, y1)
    frozen = astronaut.copy()
    frozen.flags.writeable = False
    assert only(detector.detect(frozen)).box == (x0, y0, x1, y1)


def test_a_grey_photo_works_like_a_coloured_one(detector: Detector, astronaut: Image) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    assert overlap(only(detector.detect(np.asarray(grey, np.uint8))).box, ASTRONAUT) > 0.6


@pytest.mark.parametrize("region", [np.s_[:, 200:], np.s_[:, :245], np.s_[90:, :], np.s_[:150, :]])
def test_a_face_at_the_edge_stays_inside_the_picture(
    yunet: YuNetDetector, astronaut: Image, region: tuple[slice, slice]
) -> None:
    cut = astronaut[region]
    face = yunet.detect(cut)[0]
    height, width = cut.shape[:2]
    assert 0 in face.box[:2] or face.box[2] == width or face.box[3] == height
    assert face.box[2] <= width
    assert face.box[3] <= height
    assert crop_face(cut, face.box).shape == (48, 48)


def test_a_face_that_fills_the_picture_is_found(yunet: YuNetDetector, astronaut: Image) -> None:
    x0, y0, x1, y1 = ASTRONAUT
    face = only(yunet.detect(astronaut[y0:y1, x0:x1]))
    assert face.height > 0.85 * (y1 - y0)


def test_every_face_of_a_group_largest_first(yunet: YuNetDetector, media: Path) -> None:
    found = yunet.detect(photo(media, "pyfeat_multi_face.jpg"))
    assert len(found) == 5
    areas = [face.width * face.height for face in found]
    assert areas == sorted(areas, reverse=True)


def test_a_higher_threshold_keeps_fewer_faces(yunet_model: Path, media: Path) -> None:
    crowd = next(frames(media / "facenet_video.mp4", 1))
    everyone = YuNetDetector(yunet_model).detect(crowd)
    certain = YuNetDetector(yunet_model, score_threshold=0.8).detect(crowd)
    assert 0 < len(certain) < len(everyone)
    assert all(face.score >= 0.8 for face in certain)


def test_a_larger_copy_shows_smaller_faces(yunet_model: Path, media: Path) -> None:
    crowd = next(frames(media / "facenet_video.mp4", 1))
    counts = [len(YuNetDetector(yunet_model, side=side).detect(crowd)) for side in (320, 960)]
    assert counts[0] < counts[1]


def test_two_people(detector: Detector, media: Path) -> None:
    found = detector.detect(photo(media, "fr_two_people.jpg"))
    assert len(found) == 2
    assert overlap(found[0].box, found[1].box) == 0


def test_a_face_behind_a_hand(yunet: YuNetDetector, media: Path) -> None:
    assert len(yunet.detect(photo(media, "pyfeat_Image_with_alpha.png"))) == 1


def test_video_with_one_face(detector: Detector, media: Path) -> None:
    for frame in frames(media / "pyfeat_single_face.mp4", 30):
        only(detector.detect(frame))


def test_video_without_a_face(detector: Detector, media: Path) -> None:
    for frame in frames(media / "pyfeat_no_face.mp4", 30):
        assert detector.detect(frame) == ()


def test_profiles_are_found_in_both_directions(haar: HaarDetector, media: Path) -> None:
    *_, audience = frames(media / "fr_short_hamilton_clip.mp4", 260)  # everyone looks to the left
    to_the_left = haar.detect(audience)
    to_the_right = haar.detect(audience[:, ::-1])
    assert len(to_the_left) >= 2
    assert len(to_the_right) >= 2


@pytest.mark.parametrize(("name", "count"), [("yunet", 40), ("haar", 16)])
def test_crops_match_the_way_fer2013_was_cropped(
    name: str, count: int, request: pytest.FixtureRequest, fer2013_zip: Path
) -> None:
    """A FER2013 face set into a photo must come back as it was: place and size, in the median."""
    detector: Detector = request.getfixturevalue(name)
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(fer2013_zip) as archive:
        names = sorted(n for n in archive.namelist() if "Training_" in n)
        chosen = [decode_image(archive.read(names[i])) for i in rng.integers(0, 28_709, count)]
    rows = []
    for face in chosen:
        side, left, top = (int(v) for v in rng.integers((96, 0, 0), (201, 440, 280)))
        picture = np.full((480, 640, 3), 128, np.uint8)
        picture[top : top + side, left : left + side] = cv2.resize(face, (side, side))
        # Where each pixel of the photo stems from, so that the crop tells where it was cut.
        across, down = np.meshgrid(np.arange(640), np.arange(480))
        if found := detector.detect(picture):
            cut_x, cut_y = (
                crop_face(np.repeat((axis // 3)[..., None], 3, 2).astype(np.uint8), found[0].box)
                for axis in (across, down)
            )
            rows.append(
                (
                    (3 * float(np.median(cut_x)) - left) / side - 0.5,
                    (3 * float(np.median(cut_y)) - top) / side - 0.5,
                    found[0].height / side,
                )
            )
    right, lower, size = np.median(rows, axis=0)
    assert len(rows) > 0.6 * count
    assert abs(right) < 0.04  # parts of the face's side: 2 of 48 pixels
    assert abs(lower) < 0.04
    assert 0.93 < size < 1.09


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of models, without a detector named elsewhere."""
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    monkeypatch.delenv("FER_YUNET_MODEL", raising=False)
    return tmp_path


class Zoo:
    """A server on this machine that stands for OpenCV Zoo, with the files of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[str] = []
        noted = self.requests

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                noted.append(self.path)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def zoo(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zoo]:
    server = Zoo(tmp_path_factory.mktemp("zoo"))
    address = f"http://127.0.0.1:{server.server.server_port}/{YUNET_FILE}"
    monkeypatch.setattr(faces, "YUNET_URL", address)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server
    server.close()


def test_the_file_named_in_the_environment_comes_first(
    models: Path, yunet_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    named = tmp_path / "yunet.onnx"
    shutil.copy(yunet_model, named)
    (models / "detector").mkdir()
    shutil.copy(yunet_model, models / "detector" / YUNET_FILE)
    monkeypatch.setenv("FER_YUNET_MODEL", str(named))
    assert find_yunet() == named
    assert create_detector().name == "YuNet"
    status = detector_status()
    assert (status.name, status.is_fallback) == ("YuNet", False)


@pytest.mark.parametrize("kept", [0, 1000, 200_000])
def test_a_damaged_file_named_in_the_environment_is_refused(
    yunet_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: int
) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(yunet_model.read_bytes()[:kept])
    monkeypatch.setenv("FER_YUNET_MODEL", str(damaged))
    for use in (find_yunet, create_detector, detector_status):
        with pytest.raises(DetectorError, match=r"damaged\.onnx.*Download it"):
            use()
    with pytest.raises(DetectorError, match=r"damaged\.onnx is damaged"):
        YuNetDetector(damaged)


def test_a_missing_file_named_in_the_environment_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FER_YUNET_MODEL", str(tmp_path / "nowhere.onnx"))
    with pytest.raises(DetectorError, match="missing"):
        create_detector()
    with pytest.raises(DetectorError, match="missing"):
        YuNetDetector(tmp_path / "nowhere.onnx")


def test_a_file_beside_the_models_is_used_without_a_network(
    models: Path, yunet_model: Path, zoo: Zoo
) -> None:
    (models / "detector").mkdir()
    shutil.copy(yunet_model, models / "detector" / YUNET_FILE)
    assert find_yunet() == models / "detector" / YUNET_FILE
    assert zoo.requests == []


def test_a_missing_file_is_fetched_once_and_kept(models: Path, yunet_model: Path, zoo: Zoo) -> None:
    shutil.copy(yunet_model, zoo.folder / YUNET_FILE)
    assert find_yunet(download=False) is None
    assert find_yunet() == models / "detector" / YUNET_FILE
    assert create_detector().name == "YuNet"
    assert len(zoo.requests) == 1


def test_a_damaged_file_beside_the_models_is_replaced(
    models: Path, yunet_model: Path, zoo: Zoo
) -> None:
    shutil.copy(yunet_model, zoo.folder / YUNET_FILE)
    (models / "detector").mkdir()
    (models / "detector" / YUNET_FILE).write_bytes(b"half a file")
    found = find_yunet()
    assert found is not None
    assert found.read_bytes() == yunet_model.read_bytes()


@pytest.mark.parametrize("served", [None, b"<html>please log in</html>"], ids=["nothing", "other"])
@pytest.mark.usefixtures("models")
def test_without_the_file_the_fallback_is_used_and_announced(
    zoo: Zoo, served: bytes | None
) -> None:
    if served is not None:
        (zoo.folder / YUNET_FILE).write_bytes(served)
    assert create_detector().name == "Haar cascades"
    status = detector_status()
    assert (status.name, status.is_fallback) == ("Haar cascades", True)
    assert "models/detector/" in status.message
    requests = len(zoo.requests)
    create_detector()
    assert len(zoo.requests) == requests  # one attempt per process


@pytest.mark.usefixtures("models")
def test_a_server_that_never_answers_does_not_hold_up_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and says nothing
        monkeypatch.setattr(faces, "YUNET_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/")
        monkeypatch.setattr(faces, "DOWNLOAD_WAIT_S", 0.2)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert create_detector().name == "Haar cascades"

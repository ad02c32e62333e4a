"""Everything that came of the photos, in one zip."""

import io
from collections.abc import Iterator, Sequence

from fer.app.common import offer_download
from fer.faces import create_detector
from fer.photo.analysis import PhotoSettings, make_picture
from fer.photo.bundle import (
    Entry,
    Provenance,
    encode_picture,
    make_tables,
    picture_names,
    write_zip,
)
from fer.pipeline import Analyzer
from fer.sandbox import restricted
from pages.photo_sections.choices import visible
from pages.photo_sections.reading import ReadPhoto


def offer_bundle(photos: Sequence[ReadPhoto], settings: PhotoSettings, analyzer: Analyzer) -> None:
    """A button for the pictures in full size, ``faces.csv`` and ``report.json``."""
    provenance = Provenance.now(analyzer)
    names = picture_names(photo.found.name for photo in photos)
    entries = [
        Entry(photo.found, name, visible(photo) if settings.blurred else ())
        for photo, name in zip(photos, names, strict=True)
    ]

    def pictures() -> Iterator[tuple[str, bytes]]:
        detector = create_detector()  # made on another thread, at another time
        for photo, entry in zip(photos, entries, strict=True):
            image = restricted.decode_photo(photo.upload.getvalue()).image
            drawn = make_picture(image, entry.photo.result, settings, detector, entry.keep)
            yield entry.picture, encode_picture(drawn, entry.picture, provenance)

    def bundle() -> bytes:
        target = io.BytesIO()
        write_zip(target, make_tables(entries, provenance, settings), pictures())
        return target.getvalue()

    offer_download(
        "Everything as a zip",
        bundle,
        "photos.zip",
        "application/zip",
        main=True,
        icon=":material/folder_zip:",
    )

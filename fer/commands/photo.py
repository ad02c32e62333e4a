"""The command ``photo``: one photo or several."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Final

import typer
from tqdm import tqdm

from fer.commands.console import ModelOption, OutputOption, complain, prepare, sentence
from fer.errors import FerError, MediaError

PHOTO_EXAMPLES: Final = (
    "Examples: python -m fer photo group.jpg portrait.heic -o results; "
    "python -m fer photo group.jpg -o results --blur --keep 1 --plain"
)


def analyze_photos(
    context: typer.Context,
    sources: Annotated[list[Path], typer.Argument(metavar="IN", help="Photo files.")],
    output: OutputOption,
    *,
    model: ModelOption = None,
    confidence: Annotated[
        float, typer.Option(min=0, max=1, metavar="P", help="Less sure faces are called unsure.")
    ] = 0.0,
    blur: Annotated[bool, typer.Option("--blur", help="Make faces unrecognisable.")] = False,
    keep: Annotated[
        list[int] | None, typer.Option(metavar="FACE", help="With --blur: not this face.")
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Draw no boxes and labels.")] = False,
) -> None:
    """Analyse photos.

    Writes faces.csv (one row per face), report.json (what was read, how and by what), and the
    photos with boxes into annotated/. A photo that cannot be read is reported and left out; the
    exit code is then 1.
    """
    from fer.media.photo_formats import decode_photo
    from fer.photo import bundle as photo_bundle
    from fer.photo.analysis import PhotoSettings, analyze_photo, make_picture

    names = Counter(source.name for source in sources)
    if twice := [name for name, times in names.items() if times > 1]:
        raise MediaError(f"Several photos are called {twice[0]}: rename them, or go one by one.")
    analyzer = context.obj(model)
    settings = PhotoSettings(least_confidence=confidence, drawn=not plain, blurred=blur)
    provenance = photo_bundle.Provenance.now(analyzer)
    visible = set(keep or ()) if blur else set()
    done: list[photo_bundle.Entry] = []
    pictures = photo_bundle.picture_names(source.name for source in sources)
    for source, picture in zip(tqdm(sources, unit="photo", disable=None), pictures, strict=True):
        try:
            photo = decode_photo(source.read_bytes())
            found = analyze_photo(photo, analyzer, source.name)
            drawn = make_picture(photo.image, found.result, settings, analyzer.detector, visible)
            target = output / photo_bundle.ANNOTATED / picture
            prepare(target, source)
            target.write_bytes(photo_bundle.encode_picture(drawn, picture, provenance))
        except (FerError, OSError) as exc:
            complain(f"{source.name}: {sentence(exc)}")
            continue
        done.append(photo_bundle.Entry(found, picture, visible))
        for note in found.notes:
            tqdm.write(f"{source.name}: {note}")
    if done:
        tables = photo_bundle.make_tables(done, provenance, settings)
        for name, text in tables.items():
            (output / name).write_text(text, encoding="utf-8")
        typer.echo(f"{len(done)} photos: {', '.join(tables)} and annotated/ in {output}")
    if len(done) < len(sources):
        raise typer.Exit(1)

"""The command line: ``python -m fer``. Its commands call the functions that the pages call.

Heavy libraries are imported inside the commands, so that ``--help`` is instant.
Exit codes: 0 done, 1 could not be done with this input, 2 wrong usage.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from tqdm import tqdm

from fer.bench.suite import bench
from fer.commands.console import complain, sentence
from fer.commands.photo import PHOTO_EXAMPLES, analyze_photos
from fer.commands.video import VIDEO_EXAMPLES, analyze_videos
from fer.errors import FerError

if TYPE_CHECKING:
    from fer.pipeline import Analyzer
    from fer.training.fit import TrainingProgress

_SETTINGS: dict[str, Any] = {"no_args_is_help": True, "rich_markup_mode": None}
app = typer.Typer(
    name="fer",
    help="Read the facial expressions that videos and photos show; train and judge the models.",
    add_completion=False,
    pretty_exceptions_enable=False,
    **_SETTINGS,
)
data_app = typer.Typer(help="Import FER2013, and audit its duplicates.", **_SETTINGS)
app.add_typer(data_app, name="data")

_Run = Annotated[
    str | None, typer.Argument(metavar="RUN", help="A run under models/; else the default run.")
]


def main(
    arguments: Sequence[str] | None = None,
    *,
    make_analyzer: Callable[[str | None], Analyzer] | None = None,
) -> None:
    """Run the command line and leave the process.

    Args:
        arguments: without the program's name; the process's own by default.
        make_analyzer: makes the analyser for the run of a name, or for the default run.

    Raises:
        SystemExit: always, with the exit code.
    """
    try:
        app(
            None if arguments is None else list(arguments),
            prog_name="python -m fer",
            obj=make_analyzer or _new_analyzer,
        )
    except (FerError, OSError) as exc:
        complain(sentence(exc))
        sys.exit(1)


app.command("video", epilog=VIDEO_EXAMPLES)(analyze_videos)
app.command("bench", epilog="Example: python -m fer bench classifier")(bench)


app.command("photo", epilog=PHOTO_EXAMPLES)(analyze_photos)


@app.command()
def detector() -> None:
    """Fetch the better face detector if it is missing, and say which one is active."""
    from fer.faces import detector_status

    typer.echo(detector_status().message)


@data_app.command("import", epilog="Example: python -m fer data import fer2013.zip")
def import_data(
    source: Annotated[
        Path,
        typer.Argument(metavar="PATH", help="fer2013.csv, or a folder or zip of train/ and test/."),
    ],
    ferplus: Annotated[
        Path | None, typer.Option(metavar="CSV", help="The crowd votes of FER+, to join by row.")
    ] = None,
) -> None:
    """Check your copy of FER2013, store it under data/, and compare its counts."""
    from fer.fer2013.dataset import ROWS, count_table, import_dataset

    with tqdm(total=ROWS, unit="picture", disable=None) as bar:

        def show(done: int) -> None:
            bar.update(done - bar.n)

        dataset = import_dataset(source, ferplus, on_progress=show)
    counts = count_table(dataset)
    wide = counts.pivot_table(
        "images", "split", "expression", aggfunc="sum", sort=False, margins=True, margins_name="all"
    )
    typer.echo(wide.to_string())
    differing = counts[~counts["published"].eq(counts["images"]).fillna(value=False)]
    typer.echo(
        "All counts are the published ones."
        if differing.empty
        else f"Other than published, or not published:\n{differing.to_string(index=False)}"
    )


@data_app.command(epilog="Example: python -m fer data audit")
def audit(
    write: Annotated[
        bool, typer.Option("--write", help="Write what the Model page tells to data/facts/.")
    ] = False,
) -> None:
    """Count exact and near duplicates within and across the splits."""
    from dataclasses import asdict

    from fer.fer2013 import facts
    from fer.fer2013.dataset import load_dataset
    from fer.fer2013.duplicates import audit as count_duplicates

    dataset = load_dataset()
    for name, number in asdict(count_duplicates(dataset)).items():
        typer.echo(f"{number:6}  {name.replace('_', ' ')}")
    if write:
        facts.write(dataset)
        typer.echo("data/facts/ is written.")


@app.command(epilog="Example: python -m fer train --recipe seed --resume")
def train(
    recipe: Annotated[str, typer.Option(help="A recipe of fer/training/recipes.py.")] = "seed",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a training run that was interrupted.")
    ] = False,
) -> None:
    """Train a model on the imported FER2013 and write it to models/.

    Every epoch is saved under runs/, so that nothing but the current one is lost when you stop.
    """
    from fer.fer2013.dataset import load_dataset
    from fer.training.recipes import get_recipe

    chosen = get_recipe(recipe)
    dataset = load_dataset()

    from fer.training import fit  # TensorFlow takes seconds to load: mistakes are told before
    from fer.training.export import finish_run

    told: list[Mapping[str, float]] = []
    with tqdm(unit="step", disable=None) as bar:

        def show(progress: TrainingProgress) -> None:
            if bar.n == 0:  # steps of earlier sessions say nothing about the time left
                bar.initial = bar.n = progress.step - 1
            bar.total = progress.steps
            bar.set_description(f"epoch {progress.epoch}/{chosen.epochs}", refresh=False)
            bar.set_postfix(loss=progress.loss, accuracy=progress.accuracy, refresh=False)
            bar.update(progress.step - bar.n)
            for record in progress.history[len(told) :]:
                told.append(record)
                bar.write(_epoch_line(record))

        trained = fit.train(
            chosen,
            dataset,
            resume=resume,
            on_progress=show,
        )
    typer.echo(_epoch_line(trained.history.iloc[-1].to_dict()))
    run = finish_run(chosen, trained, dataset)
    typer.echo(_figures(run.metrics["test"]))
    typer.echo(f"Written to models/{run.name}.")


@app.command(epilog="Example: python -m fer evaluate seed-cnn")
def evaluate(
    run: _Run = None,
    write: Annotated[
        bool, typer.Option("--write", help="First write its mirror-averaged predictions and card.")
    ] = False,
) -> None:
    """Find all that the Model page tells anew, and check that the committed files agree.

    A difference beyond 0.0001 is an error.
    """
    from fer.artifacts import default_run, read_robustness, run_folder
    from fer.classifier import FacialExpressionModel
    from fer.evaluation.evaluate import complete_run, evaluate_run
    from fer.evaluation.robustness import compare, robustness_table
    from fer.fer2013 import facts
    from fer.fer2013.dataset import load_dataset

    name, dataset = run or default_run(), load_dataset()
    if write:
        complete_run(name, dataset)
    found = evaluate_run(name, dataset)
    typer.echo(_figures(found.metrics))
    typer.echo("Averaged over each face and its mirror image:")
    typer.echo(_figures(found.flipped))
    problems = [*found.problems, *facts.compare(dataset)]
    spoilt = read_robustness(run_folder(name))
    if spoilt is not None:
        model = FacialExpressionModel.load(name, "float")
        problems += compare(spoilt, robustness_table(model, dataset.split("test")))
    for problem in problems:
        complain(problem)
    if problems:
        raise typer.Exit(1)
    typer.echo("The recorded figures hold.")


@app.command(epilog="Example: python -m fer robustness seed-cnn")
def robustness(run: _Run = None) -> None:
    """Measure a run on test faces made dark, blurred, turned, shifted and small."""
    from fer.artifacts import ROBUSTNESS, default_run, run_folder, write_text
    from fer.classifier import FacialExpressionModel
    from fer.evaluation.robustness import robustness_table
    from fer.fer2013.dataset import load_dataset

    name = run or default_run()
    model, dataset = FacialExpressionModel.load(name, "float"), load_dataset()
    with tqdm(unit="case", disable=None) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        table = robustness_table(model, dataset.split("test"), on_progress=show)
    write_text(run_folder(name) / ROBUSTNESS, table.to_csv(index=False))
    mildest, severest = (table[table["strength"] == s]["accuracy"].mean() for s in (1, 5))
    typer.echo(
        f"Accuracy as they are {table['accuracy'][0]:.3f}; over nine kinds of damage on average "
        f"{mildest:.3f} at strength 1 and {severest:.3f} at strength 5. Written to {ROBUSTNESS}."
    )


@app.command(epilog="Example: python -m fer export seed-cnn")
def export(run: _Run = None) -> None:
    """Make a run's serving files anew from its architecture and weights, and choose the fastest.

    Both int8 files are measured on the test faces; only one that is as right and as honest
    as float32, within 0.2 points and 0.005 of calibration error, may serve.
    """
    from fer.artifacts import default_run, read_meta, run_folder
    from fer.fer2013.dataset import load_dataset

    name = run or default_run()
    read_meta(run_folder(name))
    dataset = load_dataset()

    # TensorFlow takes seconds to load: mistakes are told before.
    from fer.training.export import export_run

    serving = export_run(name, dataset).details["serving"]
    for way, found in serving["measured"].items():
        typer.echo(
            f"{way:>13}: accuracy {found['accuracy']:.4f}, calibration error {found['ece']:.4f}, "
            f"{found['speed']:.2f} times as fast as float32, {found['size'] / 1e6:.1f} MB"
        )
    typer.echo(f"models/{name} is served by {serving['file']} ({serving['way']}).")


@app.command(epilog="Example: python -m fer combine accurate wide taught swift")
def combine(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the new run.")],
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Finished runs.")],
) -> None:
    """Average finished runs over each face and its mirror image, and write that as a run.

    Slower than each of them, and more often right.
    """
    from fer.fer2013.dataset import load_dataset
    from fer.training.ensemble import combine

    run = combine(name, runs, load_dataset())
    typer.echo(_figures(run.metrics["test"]))
    typer.echo(f"Written to models/{run.name}.")


def _new_analyzer(run: str | None) -> Analyzer:
    from fer.classifier import FacialExpressionModel
    from fer.faces import create_detector, detector_status
    from fer.pipeline import Analyzer

    classifier = FacialExpressionModel.load(run)  # first: a detector may have to be fetched
    if (status := detector_status()).is_fallback:
        typer.echo(f"Note: {status.message}", err=True)
    return Analyzer(create_detector(), classifier)


def _epoch_line(record: Mapping[Any, float]) -> str:
    validation = (
        f"validation loss {record['val_loss']:.4f}, validation accuracy "
        f"{record['val_accuracy']:.4f}, "
        if record["val_loss"] == record["val_loss"]  # a number: some runs validate on nothing
        else ""
    )
    return (
        f"epoch {record['epoch']:.0f}: loss {record['loss']:.4f}, accuracy "
        f"{record['accuracy']:.4f}, {validation}{record['seconds']:.0f} s"
    )


def _figures(test: Mapping[str, Mapping[str, float]]) -> str:
    return "\n".join(
        f"{part:>14}: accuracy {figures['accuracy']:.4f} (95% interval {figures['low']:.4f} to "
        f"{figures['high']:.4f}), macro F1 {figures['macro_f1']:.4f}, {figures['images']} images"
        for part, figures in test.items()
    )


if __name__ == "__main__":
    main()

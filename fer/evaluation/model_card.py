"""A run's model card: what it is for, how it was made and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fer.types import Run

_PARTS: Final = {
    "all": "All test images",
    "PublicTest": "PublicTest",
    "PrivateTest": "PrivateTest",
    "without_twins": "Without images that have a byte-identical twin in training",
}


def model_card(name: str, run: Run) -> str:
    """Write the card of a finished run as Markdown, from its ``meta.json`` alone."""
    details, metrics = run.details, run.metrics
    kind = "The mean of convolutional networks" if run.members else "A convolutional network"
    views = (
        "Averaged over each face and its mirror image"
        if run.members
        else "One view per face, no averaging over mirror images"
    )
    return f"""# Model card: {name}

{kind} that sorts a 48x48 grey picture of one face into seven
expressions: {", ".join(run.labels)}. It says what a face looks like to the people who
labelled FER2013. It does not know what anybody feels.

## Figures

{_figures(metrics["test"])}

Intervals are 95% Wilson intervals. {views}.
{details["protocol"]}

{_calibration(details.get("calibration") or {})}

{_serving(details.get("serving") or {})}

{_trained(run)}

## Data

FER2013 (Goodfellow et al. 2013): 28,709 training and 7,178 test faces, found by web search
and labelled under time pressure. People reach about 65% on it (same source). Labels are
noisy, classes are uneven (disgust is 1.5% of training), and some photographs occur in
training and in the test split alike: 572 test images are byte-identical to a training
image, 18 of them with another label than every such twin.

## Use

**Intended**: exploring facial expression recognition, teaching, art, and tools in which a
wrong answer harms nobody and everybody in the picture has agreed.

**Out of scope**: any decision about a person. Not for hiring, schools, workplaces, policing,
border control, lie detection, health or insurance. In the European Union, inferring
emotions at work and in education is prohibited by Article 5(1)(f) of the AI Act.

## What was not measured

FER2013 has no labels of age, gender, skin colour or culture, so errors by group are
unknown: not measured, and not to be assumed equal. Performance on other crops, in low
light and on video is not in these figures.

## Citing

Cite the data and the crowd labels: I. Goodfellow et al., *Challenges in Representation Learning: A
report on three machine learning contests*, ICONIP 2013; E. Barsoum et al., *Training Deep Networks
for Facial Expression Recognition with Crowd-Sourced Label Distribution*, ICMI 2016. Cite this model
by its name `{name}` and its commit `{run.commit}`.

## Making

| | |
| --- | --- |
{_recipe(run)}
| parameters | {metrics["parameters"]:,} |
| multiply-adds per face | {metrics["multiply_adds"] / 1e6:.0f} M |
| training time | {details["seconds"] / 60:.0f} minutes on {details["machine"]}, beside other work |
| finished | {details["finished"]} |
| commit | `{run.commit}` |
| versions | {", ".join(f"{k} {v}" for k, v in details["versions"].items())} |

Make it again with `{_command(name, run)}`; check these figures with
`python -m fer evaluate {name}`. Licence of the weights: MIT, as the project; FER2013's images
are not part of it and keep their own terms.
"""


def _trained(run: Run) -> str:
    metrics = run.metrics
    if run.members:
        return (
            f"It was not trained itself; on the validation images it was right on "
            f"{metrics['val_accuracy']:.3f} (loss {metrics['val_loss']:.3f})."
        )
    return (
        f"In the epoch that was kept ({metrics['kept_epoch']} of "
        f"{run.details['recipe']['epochs']}) the running training\n"
        f"accuracy, under dropout and on varied pictures, was {metrics['train_accuracy']:.3f}\n"
        f"(loss {metrics['train_loss']:.3f}){_validation(metrics)}."
    )


def _recipe(run: Run) -> str:
    recipe = run.details["recipe"]
    if run.members:
        return f"| members | {', '.join(f'`{member}`' for member in run.members)} |"
    return (
        f"| recipe | `{recipe['name']}`, seed {run.seed} |\n"
        f"| epochs, batch size | {recipe['epochs']}, {recipe['batch_size']} |"
    )


def _command(name: str, run: Run) -> str:
    if run.members:
        return f"python -m fer combine {name} {' '.join(run.members)}"
    return f"python -m fer train --recipe {run.details['recipe']['name']}"


def _validation(metrics: Mapping[str, Any]) -> str:
    if metrics["val_accuracy"] is None:
        return "; no images were held out for validation"
    return (
        f"; validation accuracy was {metrics['val_accuracy']:.3f}\n(loss {metrics['val_loss']:.3f})"
    )


def _calibration(calibration: Mapping[str, Any]) -> str:
    if not calibration:
        return "Its confidence is not calibrated: no images were left to do it on honestly."
    threshold = calibration["unsure_threshold"]
    unsure = (
        f" Taking only faces with a confidence of at least {threshold:.2f} made it right on 80% of "
        f"those validation images, and kept {calibration['coverage']:.0%} of them."
        if threshold is not None
        else ""
    )
    return (
        f"Confidence is calibrated with the temperature {calibration['temperature']:.2f} and an "
        f"even share of {calibration['even_share']:.2f} taken back, fitted on "
        f"{calibration['fitted_on']}: the expected calibration error (15 bins) on the test images "
        f"goes from {calibration['test_ece_before']:.3f} to {calibration['test_ece_after']:.3f} "
        f"({calibration['test_ece_without_twins']:.3f} on those without a twin in training)."
        + unsure
    )


def _serving(serving: Mapping[str, Any]) -> str:
    if not serving:
        return "The app serves the network in float32, to which the figures above belong."
    found, reference = serving["measured"][serving["way"]], serving["measured"]["float32"]
    served = f"`{serving['file']}`" if "file" in serving else "the members' own files"
    return (
        f"These figures are the float32 network's. The app serves {served} "
        f"({serving['way']}, {found['size'] / 1e6:.1f} MB), {found['speed']:.1f} times as fast in "
        f"processor time: accuracy {found['accuracy']:.4f} against {reference['accuracy']:.4f} and "
        f"calibration error {found['ece']:.4f} against {reference['ece']:.4f} on all test images."
    )


def _figures(test: Mapping[str, Any]) -> str:
    rows = [
        f"| {label} | {part['images']:,} | {part['accuracy']:.3f} "
        f"| {part['low']:.3f} to {part['high']:.3f} | {part['macro_f1']:.3f} |"
        for key, label in _PARTS.items()
        if (part := test.get(key))
    ]
    head = ["| Test images | number | accuracy | 95% interval | macro-F1 |", "| --- " * 5 + "|"]
    return "\n".join(head + rows)

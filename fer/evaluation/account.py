"""A run's answers on the test split, beside all that is known of those images.

Everything comes from committed files: the run's predictions, and the facts about FER2013.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer import artifacts
from fer.calibration import (
    Calibration,
    brier_score,
    expected_calibration_error,
)
from fer.errors import ModelError
from fer.fer2013 import facts, ferplus
from fer.metrics import score
from fer.types import EMOTIONS, Probabilities, Run

#: Parts of the test split, as the scoreboard names them.
PARTS: Final = ("all", "PublicTest", "PrivateTest")


@dataclass(frozen=True, eq=False)
class Account:
    """What a run says of each test image, and what others say.

    Attributes:
        run: the run.
        images: one row per test image: ``row``, official ``split``, FER2013's ``label``,
            ``twin`` (True if a training image is byte-identical) and ``ferplus`` (the crowd's
            label or why there is none); the last two are missing where nothing is known.
        labels: (N,) positions in ``EMOTIONS`` of FER2013's labels.
        raw: (N, 7) the network's own probabilities, from a single view.
        probabilities: (N, 7) the same with the run's calibration, as the app shows them.
        flipped: (N, 7) uncalibrated, each face averaged with its mirror image; None if the
            run's folder does not hold them.
    """

    run: Run
    images: pd.DataFrame
    labels: NDArray[np.int64]
    raw: Probabilities
    probabilities: Probabilities
    flipped: Probabilities | None

    @property
    def answers(self) -> NDArray[np.int64]:
        """(N,) positions in ``EMOTIONS`` of the most probable expressions."""
        answers: NDArray[np.int64] = self.raw.argmax(axis=1).astype(np.int64)
        return answers

    @property
    def is_calibrated(self) -> bool:
        """Whether the run has a calibration."""
        return bool(self.run.details.get("calibration"))

    def details(self) -> pd.DataFrame:
        """``images`` with the ``answer``, its ``confidence`` and all seven probabilities."""
        seven = pd.DataFrame(self.probabilities, columns=list(EMOTIONS))
        answer = np.array(EMOTIONS)[self.answers]
        confidence = self.probabilities.max(axis=1)
        return self.images.assign(answer=answer, confidence=confidence).join(seven)


def read_account(name: str) -> Account:
    """Read a run and its predictions, and join what is known of the images.

    Raises:
        ModelError: if a file of the run is missing, altered or disagrees with the others.
        DatasetError: if the committed facts about the test images cannot be read.
    """
    run, folder = artifacts.load_run(name), artifacts.run_folder(name)
    table = artifacts.read_predictions(folder)
    known = facts.read_test_rows()
    images = table[["row", "split", "label"]].merge(known, on="row", how="left")
    raw = table[list(EMOTIONS)].to_numpy(np.float32)
    return Account(
        run=run,
        images=images.assign(twin=images["twin"].astype("boolean")),
        labels=images["label"].map(EMOTIONS.index).to_numpy(np.int64),
        raw=raw,
        probabilities=Calibration.of(run.details).apply(raw),
        flipped=_read_flipped(name, table),
    )


def _read_flipped(name: str, table: pd.DataFrame) -> Probabilities | None:
    folder = artifacts.run_folder(name)
    if not (folder / artifacts.FLIPPED).exists():
        return None
    flipped = artifacts.read_predictions(folder, artifacts.FLIPPED)
    if not flipped["row"].equals(table["row"]):
        raise ModelError(f"{name}/{artifacts.FLIPPED} is about other images than the predictions.")
    return flipped[list(EMOTIONS)].to_numpy(np.float32)


def crowd_labels(account: Account) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Say which images have a FER+ label, and which.

    Returns:
        (N,) True where there is one, and (N,) its position in ``EMOTIONS``, -1 elsewhere.
    """
    numbers = account.images["ferplus"].map(dict(zip(EMOTIONS, range(7), strict=True)))
    labels: NDArray[np.int64] = numbers.fillna(-1).to_numpy().astype(np.int64)
    return labels >= 0, labels


def scoreboard(account: Account) -> pd.DataFrame:
    """Score every view of the test images against every labelling, part by part.

    Returns:
        One row per ``view`` (``"single"``, ``"flip-averaged"``), ``against`` (``"FER2013"``,
        ``"FER+"``), ``part`` (one of ``PARTS``) and ``twins`` (True with the images that have
        a training twin, False without), where there are such images; then ``images``,
        ``accuracy``, its 95% interval ``low`` to ``high``, ``macro_f1`` and ``loss``.
    """
    has_crowd, crowd = crowd_labels(account)
    everything = np.ones(len(account.labels), dtype=np.bool_)
    views = {"single": account.raw, "flip-averaged": account.flipped}
    against = {"FER2013": (everything, account.labels), "FER+": (has_crowd, crowd)}
    twin = account.images["twin"]
    alone = (twin.notna() & ~twin.fillna(value=False)).to_numpy(np.bool_)
    split = account.images["split"].to_numpy()
    rows: list[dict[str, Any]] = []
    for view, probabilities in views.items():
        if probabilities is None:
            continue
        for name, (labelled, labels) in against.items():
            for part in PARTS:
                inside = labelled & (everything if part == "all" else split == part)
                for twins, mask in ((True, inside), (False, inside & alone)):
                    if mask.any():
                        head = {"view": view, "against": name, "part": part, "twins": twins}
                        rows.append(head | score(labels[mask], probabilities[mask]))
    return pd.DataFrame(rows)


def calibration_figures(account: Account) -> pd.DataFrame:
    """ECE (15 bins), Brier score and log loss before and after the calibration, if there is one.

    Returns:
        Columns ``probabilities``, ``ece``, ``brier``, ``loss``, ``mean_confidence``.
    """
    both = {"as the network puts them out": account.raw}
    if account.is_calibrated:
        both["as the app shows them"] = account.probabilities
    return pd.DataFrame(
        {
            "probabilities": name,
            "ece": expected_calibration_error(account.labels, probabilities),
            "brier": brier_score(account.labels, probabilities),
            "loss": score(account.labels, probabilities)["loss"],
            "mean_confidence": float(probabilities.max(axis=1).mean()),
        }
        for name, probabilities in both.items()
    )


def crowd_sides(account: Account) -> dict[str, int]:
    """Ask the crowd about the answers that FER2013's label calls wrong.

    Returns:
        Number of ``mistakes`` whose image has a FER+ label; of these, how often the crowd
        sides ``with_model``, ``with_fer2013``, or sees ``neither``.
    """
    has_crowd, crowd = crowd_labels(account)
    wrong = has_crowd & (account.answers != account.labels)
    with_model = int((wrong & (crowd == account.answers)).sum())
    with_label = int((wrong & (crowd == account.labels)).sum())
    mistakes = int(wrong.sum())
    return {
        "mistakes": mistakes,
        "with_model": with_model,
        "with_fer2013": with_label,
        "neither": mistakes - with_model - with_label,
    }


def label_agreement(account: Account) -> tuple[int, int, pd.Series[int]]:
    """How often the crowd confirms FER2013's label.

    Returns:
        Images with a FER+ label, those among them where both agree, and how many images
        have no such label, by reason.
    """
    has_crowd, crowd = crowd_labels(account)
    agreeing = int((has_crowd & (crowd == account.labels)).sum())
    reasons = account.images["ferplus"].where(~pd.Series(has_crowd)).value_counts()
    kept = reasons.reindex(ferplus.NO_LABEL, fill_value=0)
    return int(has_crowd.sum()), agreeing, kept


def shared_confusions(matrix: NDArray[np.int64], crowd: NDArray[np.float64]) -> pd.DataFrame:
    """Put the model's confusions beside the crowd's.

    Args:
        matrix: (7, 7) counts, a row per FER2013 label, a column per answer.
        crowd: (7, 7) shares of FER+ votes, rows FER2013 labels, columns expressions.

    Returns:
        One row per pair of different expressions, the model's most frequent first:
        ``label``, ``seen_as``, ``model`` and ``crowd``, shares of the label's row, 0 to 1.
    """
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    pairs = [(i, j) for i in range(len(EMOTIONS)) for j in range(len(EMOTIONS)) if i != j]
    table = pd.DataFrame(
        {
            "label": [EMOTIONS[i] for i, _ in pairs],
            "seen_as": [EMOTIONS[j] for _, j in pairs],
            "model": [shares[pair] for pair in pairs],
            "crowd": [crowd[pair] for pair in pairs],
        }
    )
    return table.sort_values("model", ascending=False, kind="stable").reset_index(drop=True)

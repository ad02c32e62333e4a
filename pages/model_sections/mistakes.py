"""Confusions: the matrix, the images behind each cell, and the most telling answers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from fer import metrics
from fer.charts import confusions as confusion_charts
from fer.evaluation.account import Account
from fer.types import EMOTIONS
from pages.model_sections.shared import show_faces, show_numbers

TELLING = {
    "Most confident mistakes": (False, False),
    "Least confident hits": (True, True),
}


def show(account: Account, _: Sequence[Account]) -> None:
    """The matrix with a click for its images; then the surest mistakes and unsurest hits."""
    matrix = metrics.confusion_matrix(account.labels, account.answers)
    st.markdown(
        "Each row is an expression as FER2013 labels it, each column what the model says; a cell "
        "holds the number of faces and its share of the row. Together "
        f"**{matrix.sum():,}** faces. **Click a cell** to see its faces."
    )
    chart, beside = st.columns([3, 2], gap="large")
    clicked = chart.altair_chart(
        confusion_charts.confusion(matrix, selectable=True),
        on_select="rerun",
        key=f"confusion {account.run.name}",
        alt="confusion matrix of the test faces",
    )
    with beside:
        show_summary(account, matrix)
    table = pd.DataFrame(matrix, index=EMOTIONS, columns=EMOTIONS)
    table["total"] = table.sum(axis=1)
    table.loc["total"] = table.sum()
    show_numbers(
        table.rename_axis("labelled").reset_index(),
        "confusion",
        title="The same numbers as a table",
    )
    details = account.details()
    cell = clicked["selection"].get(confusion_charts.CELL)
    if cell:
        show_cell(details, cell[0]["row"], cell[0]["column"])
    st.header("The most telling answers")
    kind = st.segmented_control(
        "Kind",
        list(TELLING),
        default=next(iter(TELLING)),
        required=True,
        label_visibility="collapsed",
    )
    hits, ascending = TELLING[kind]
    right = details["answer"] == details["label"]
    chosen = details[right == hits].sort_values("confidence", ascending=ascending).head(60)
    show_faces(chosen)
    show_images(chosen, kind.lower().replace(" ", "-"))


def show_summary(account: Account, matrix: NDArray[np.int64]) -> None:
    """The most frequent confusions, in words."""
    st.subheader("Most frequent confusions")
    pairs = [
        (int(matrix[i][j]), i, j) for i in range(7) for j in range(7) if i != j and matrix[i][j]
    ]
    lines = [
        f"1. **{EMOTIONS[i]}** taken for **{EMOTIONS[j]}**: {count:,} faces, "
        f"{count / matrix[i].sum():.0%} of those labelled {EMOTIONS[i]}"
        for count, i, j in sorted(pairs, reverse=True)[:6]
    ]
    st.markdown("\n".join(lines))
    right = int((account.answers == account.labels).sum())
    st.caption(f"The diagonal holds the {right:,} answers that agree with FER2013.")


def show_cell(details: pd.DataFrame, label: str, answer: str) -> None:
    """The images of one cell, the surest first."""
    st.header(f"Labelled {label}, model says {answer}")
    inside = details[(details["label"] == label) & (details["answer"] == answer)]
    if inside.empty:
        st.markdown("No face of the test split is in this cell.")
        return
    inside = inside.sort_values("confidence", ascending=False)
    most = st.segmented_control("Faces shown", (12, 48), default=12, required=True)
    st.markdown(f"**{len(inside):,}** faces, the most confident answers first.")
    show_faces(inside, most)
    show_images(inside, f"{label}-as-{answer}", expanded=True)


def show_images(images: pd.DataFrame, file: str, *, expanded: bool = False) -> None:
    """Rows of images as a table: row in fer2013.csv, labels, answer and all probabilities."""
    shares = ["confidence", *EMOTIONS]
    words = images.drop(columns="twin").assign(twin=images["twin"].map({True: "yes", False: "no"}))
    title = f"All {len(images):,} with their probabilities" if expanded else "With probabilities"
    show_numbers(words, file, shares=shares, title=title)

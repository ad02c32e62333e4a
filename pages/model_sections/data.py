"""Data: what FER2013 holds, how uneven it is, and what the audit found."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from fer.charts import confusions as confusion_charts
from fer.charts import data as data_charts
from fer.evaluation.account import Account
from fer.fer2013 import facts, ferplus
from fer.types import EMOTIONS
from pages.model_sections.shared import load_faces, say_how_to_see_faces, show_numbers


def show(_: Account, __: Sequence[Account]) -> None:
    """Balance, faces, duplicates and conflicts, and the crowd's opinion."""
    found = facts.read()
    counts = pd.DataFrame(found["counts"])
    st.markdown(
        f"FER2013 (Goodfellow et al. 2013): **{counts['images'].sum():,}** grey faces of 48 by 48 "
        "pixels, gathered by web search, with one of seven labels each."
    )
    st.header("Uneven classes")
    st.altair_chart(data_charts.class_balance(counts), alt="share of each expression in each split")
    wide = counts.pivot_table("images", "split", "expression", sort=False).astype(int)
    show_numbers(wide.assign(all=wide.sum(axis=1)).reset_index(), "counts")
    st.header("Faces")
    show_faces_of_classes()
    st.header("Duplicates and conflicting labels")
    show_duplicates(found)
    st.header("FER2013's labels beside the crowd's")
    show_crowd(found)


def show_faces_of_classes() -> None:
    """The mean face of each expression, and a few single ones where the data set is here."""
    means = facts.read_mean_faces()
    dataset = load_faces()
    with st.container(horizontal=True, gap="small"):
        for label, (expression, mean) in enumerate(zip(EMOTIONS, means, strict=True)):
            with st.container(width=142, gap="xsmall"):
                st.markdown(f"**{expression}**")
                enlarged = np.kron(mean, np.ones((3, 3), np.uint8))
                st.image(enlarged, width=142, alt=f"mean of all training faces: {expression}")
                if dataset is not None:
                    train = dataset.images[dataset.mask("train") & (dataset.labels == label)]
                    some = train[np.random.default_rng(label).integers(0, len(train), 9)]
                    grid = some.reshape(3, 3, 48, 48).swapaxes(1, 2).reshape(144, 144)
                    st.image(grid, width=142, alt=f"nine training faces labelled {expression}")
    st.caption(
        "Above: the mean of all training faces with that label, thousands of people at once."
    )
    if dataset is None:
        say_how_to_see_faces()


def show_duplicates(found: Mapping[str, Any]) -> None:
    """What the audit counted, and which labels conflict."""
    audit = found["audit"]
    cards = {
        "Test faces with a twin in training": audit["test_twins"],
        "of them under another label": audit["test_twins_conflicting"],
        "Groups of identical images": audit["exact_groups"],
        "of them with different labels": audit["exact_conflicts"],
    }
    with st.container(horizontal=True):
        for title, number in cards.items():
            st.metric(title, f"{number:,}", border=True)
    st.markdown(
        f"Counting near duplicates too (the same photograph, cropped, compressed or watermarked), "
        f"**{audit['near_images']:,}** images belong to **{audit['near_groups']:,}** groups, "
        f"**{audit['near_conflicts']:,}** of them with different labels, and "
        f"**{audit['test_near']:,}** test faces resemble a training face so closely. Nothing is "
        "removed: figures are given with and without the twins."
    )
    matrix = np.array(found["conflicts"])
    pairs = [
        {"one": EMOTIONS[i], "other": EMOTIONS[j], "groups": int(matrix[i, j])}
        for i in range(7)
        for j in range(i + 1, 7)
    ]
    ranked = pd.DataFrame(pairs).sort_values("groups", ascending=False, kind="stable")
    top = ", ".join(f"{row.one} and {row.other} ({row.groups})" for row in ranked[:5].itertuples())
    st.markdown(f"Identical pictures are most often labelled both {top}.")
    show_numbers(
        pd.DataFrame(audit.items(), columns=["what", "number"]), "audit", title="The audit"
    )
    show_numbers(ranked, "conflicts", title="Conflicting labels of identical images")


def show_crowd(found: Mapping[str, Any]) -> None:
    """FER2013's labels against the majority of FER+ votes, over the whole data set."""
    crowd = found["ferplus"]
    if crowd is None:
        st.markdown("The votes of FER+ are not known here.")
        return
    columns, matrix = crowd["columns"], np.array(crowd["data"])
    st.markdown(ferplus.CONVENTION)
    # The reasons for no label share a column in the drawing: a phone has no room for twelve.
    labelled = len(EMOTIONS)
    drawn = np.column_stack([matrix[:, :labelled], matrix[:, labelled:].sum(axis=1)])
    st.altair_chart(
        confusion_charts.confusion(
            drawn, columns=(*EMOTIONS, "no label"), titles=("FER2013", "most FER+ voters"), cell=46
        ),
        alt="FER2013 labels against FER+ majority labels",
    )
    table = pd.DataFrame(matrix, columns=columns)
    table.insert(0, "FER2013", crowd["index"])
    show_numbers(table, "fer2013-ferplus")

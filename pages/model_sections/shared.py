"""What the sections of the Model page share: the run's account, tables, and faces."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from fer import artifacts
from fer.app.common import offer_download, plain
from fer.errors import DatasetError
from fer.evaluation.account import Account, read_account
from fer.fer2013 import ferplus
from fer.fer2013.dataset import Dataset, dataset_file, load_dataset

PERCENT = st.column_config.NumberColumn(format="percent")


def load_account(name: str) -> Account:
    """A run's account, read once and again when the run has changed."""
    meta = artifacts.run_folder(name) / artifacts.META
    return _load_account(name, meta.stat().st_mtime if meta.exists() else 0.0)


@st.cache_resource(max_entries=6, show_spinner="Reading the run…")
def _load_account(name: str, changed: float) -> Account:  # noqa: ARG001 part of the key
    return read_account(name)


def show_numbers(
    table: pd.DataFrame, file: str, *, shares: Sequence[str] = (), title: str = "The numbers"
) -> None:
    """Offer what a chart shows as a table and as a CSV file.

    Args:
        table: the numbers; names of columns become words.
        file: name of the CSV file without its ending.
        shares: columns that are shown as percentages.
        title: of the fold that holds the table.
    """
    with st.expander(title, icon=":material/table:"):
        formats: Mapping[str, Any] = {name.replace("_", " "): PERCENT for name in shares}
        words = table.rename(columns=lambda name: str(name).replace("_", " "))
        st.dataframe(words, hide_index=True, placeholder="", column_config=formats)
        csv = table.to_csv(index=False)
        offer_download("CSV", csv, f"{file}.csv", "text/csv", key=f"csv {file}")


@st.cache_resource(max_entries=1, show_spinner="Reading FER2013…")
def _load_faces(changed: float) -> Dataset:  # noqa: ARG001 part of the key
    return load_dataset()


def load_faces() -> Dataset | None:
    """The data set, if it is on this machine and tells the rows of its images."""
    path = dataset_file()
    try:
        dataset = _load_faces(path.stat().st_mtime if path.exists() else 0.0)
    except DatasetError:
        return None
    return dataset if dataset.official_rows else None


def say_how_to_see_faces() -> None:
    """Say how to add the data set."""
    st.info(
        "The faces themselves are not on this machine: FER2013 is not ours to pass on. With a copy "
        "of your own, `python -m fer data import PATH` shows them here.",
        icon=":material/image:",
    )


def show_faces(images: pd.DataFrame, most: int = 12) -> None:
    """Show faces with what FER2013, the crowd and the model say of them.

    Args:
        images: rows of ``Account.details``.
        most: only so many, the first ones.
    """
    dataset = load_faces()
    if dataset is None:
        say_how_to_see_faces()
        return
    places = dict(zip(dataset.rows.tolist(), range(len(dataset.rows)), strict=True))
    with st.container(horizontal=True, gap="small"):
        for _, image in images.head(most).iterrows():
            place = places[image["row"]]
            with st.container(border=True, width=156, gap="xsmall"):
                face = dataset.images[place]
                picture = np.kron(face, np.ones((3, 3), np.uint8))
                st.image(picture, width=122, alt=f"face {image['row']}, labelled {image['label']}")
                st.markdown(f"**{image['answer']}** {image['confidence']:.0%}")
                votes = "" if dataset.votes is None else ferplus.words(dataset.votes[place])
                crowd = plain(votes) or image["ferplus"]
                st.caption(f"labelled **{image['label']}**")
                st.caption(f"FER+: {crowd}")

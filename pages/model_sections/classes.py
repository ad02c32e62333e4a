"""Expression by expression: figures, probabilities, and confusions that people share."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from fer import metrics
from fer.charts import confusions as confusion_charts
from fer.evaluation.account import Account, shared_confusions
from fer.fer2013 import facts
from fer.types import EMOTIONS
from pages.model_sections.shared import show_numbers


def show(account: Account, _: Sequence[Account]) -> None:
    """Figures of each expression, then histograms, then the crowd's confusions."""
    figures = metrics.per_class(account.labels, account.answers)
    columns = st.columns(3, gap="medium")
    words = {
        "precision": "Of the faces it calls so, how many are labelled so.",
        "recall": "Of the faces labelled so, how many it calls so.",
        "f1": "The harmonic mean of the two.",
    }
    for column, (figure, meaning) in zip(columns, words.items(), strict=True):
        column.subheader(figure.replace("f1", "F1").capitalize(), help=meaning)
        column.altair_chart(
            confusion_charts.class_figures(figures, figure), alt=f"{figure} of each expression"
        )
        column.caption(meaning)
    show_numbers(
        figures, "classes", shares=["precision", "recall", "f1"], title="The numbers, with support"
    )
    st.header("How probable the model finds each expression")
    st.markdown(
        "Blue: faces labelled so. Orange: all others. The further apart, the better it tells them."
    )
    bins = {
        name: confusion_charts.probability_bins(account.labels, account.probabilities, name)
        for name in EMOTIONS
    }
    halves = st.columns(2, gap="large")
    for number, (expression, table) in enumerate(bins.items()):
        halves[number % 2].altair_chart(
            confusion_charts.probability_histogram(table, expression),
            alt=f"histogram of the probability of {expression}",
        )
    every = pd.concat(table.assign(expression=name) for name, table in bins.items())
    show_numbers(every, "probabilities", shares=["low", "high", "share"], title="All bins")
    show_crowd(account)


def show_crowd(account: Account) -> None:
    """The model's confusions beside those of the FER+ voters."""
    st.header("Confusions that people share")
    shares = facts.read().get("vote_shares")
    if not shares:
        st.markdown("The votes of FER+ are not known here.")
        return
    matrix = metrics.confusion_matrix(account.labels, account.answers)
    table = shared_confusions(matrix, np.array(shares))
    st.markdown(
        "For faces with one FER2013 label, how often the model sees another expression, and how "
        "many of the FER+ votes for those faces do. Where the dots are close, the faces are "
        "ambiguous to people too; where the model's lies far to the right, it errs on its own."
    )
    st.altair_chart(
        confusion_charts.shared_confusions(table.head(14)),
        alt="confusions of the model and of voters",
    )
    show_numbers(table, "shared-confusions", shares=["model", "crowd"], title="All 42 pairs")

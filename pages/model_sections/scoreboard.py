"""Scoreboard: accuracy on every part of the test split, by every way of looking and labelling."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from fer import artifacts
from fer.app.common import plain
from fer.charts import model as model_charts
from fer.evaluation.account import Account, crowd_sides, label_agreement, scoreboard
from fer.fer2013 import ferplus
from pages.model_sections.shared import show_numbers

PART_NAMES = {"all": "all faces", "PublicTest": "PublicTest", "PrivateTest": "PrivateTest"}
VIEWS = {"single": "Single view", "flip-averaged": "Averaged with the mirror image"}


def show(account: Account, others: Sequence[Account]) -> None:
    """Choose view and labels; then accuracy of each part with its interval."""
    accounts = [account, *others]
    board = pd.concat(scoreboard(one).assign(run=one.run.name) for one in accounts)
    with st.container(horizontal=True, gap="medium"):
        against = st.segmented_control(
            "Labels", ("FER2013", "FER+"), default="FER2013", required=True
        )
        view = st.segmented_control(
            "View", list(VIEWS), default="single", required=True, format_func=VIEWS.__getitem__
        )
    chosen = board[(board["against"] == against) & (board["view"] == view)]
    missing = [one.run.name for one in accounts if one.flipped is None and view == "flip-averaged"]
    if missing:
        names = ", ".join(plain(name) for name in missing)
        st.info(
            f"Not measured yet for {names}: `python -m fer evaluate RUN --write` does it.",
            icon=":material/info:",
        )
    if not chosen.empty:
        show_chart(chosen, several=len(accounts) > 1)
    shares = ["accuracy", "low", "high", "macro_f1"]
    head = ["run", "view", "against", "part", "twins", "images", *shares, "loss"]
    show_numbers(board[head], "scoreboard", shares=shares, title="All numbers")
    st.caption(
        "Intervals are 95% Wilson score intervals of the share of right answers. Macro-F1 is the "
        "plain mean of the seven F1 scores, so that rare expressions count as much as frequent "
        "ones. A twin is a training image that is byte-identical to a test image: the network has "
        "seen that very picture, often with its label."
    )
    looks = artifacts.read_looks()
    if not looks.empty:
        shown = ["all", "PublicTest", "PrivateTest", "without_twins", "low", "high", "macro_f1"]
        title = "Every look at the test faces that was ever taken"
        show_numbers(looks, "looks", shares=[name for name in shown if name in looks], title=title)
    explain_labels(account)


def show_chart(chosen: pd.DataFrame, *, several: bool) -> None:
    """One row per part, with and without twins, and the macro-F1 beside it."""
    twins = chosen["twins"].map({True: "with twins", False: "without twins"})
    names = chosen["part"].map(PART_NAMES) + ", " + twins.where(chosen["part"].notna(), "")
    if several:
        names = chosen["run"] + ": " + names
    table = chosen.assign(name=names, kind=twins)
    # Names of runs need room: the table then stands below.
    chart, beside = (st, st) if several else st.columns([3, 2], gap="large")
    chart.altair_chart(
        model_charts.accuracies(table, ("with twins", "without twins"), step=36),
        alt="accuracy of each part of the test split with its 95% interval",
    )
    words = table[["name", "images", "accuracy", "macro_f1"]].rename(
        columns={"name": "test faces", "images": "number", "macro_f1": "macro-F1"}
    )
    words["accuracy"] = words["accuracy"].map("{:.1%}".format)
    words["macro-F1"] = words["macro-F1"].map("{:.3f}".format)
    beside.dataframe(words, hide_index=True, height="content")


def explain_labels(account: Account) -> None:
    """Why the figures against FER2013 and against FER+ differ."""
    st.header("Why FER2013 and FER+ disagree")
    labelled, agreeing, reasons = label_agreement(account)
    if not labelled:
        st.markdown("Nothing is known of FER+ for these images.")
        return
    left_out = ", ".join(f"{name}: {number:,}" for name, number in reasons.items() if number)
    sides = crowd_sides(account)
    st.markdown(
        f'FER2013\'s labels came from a web search for words such as "angry", cleaned by hand in a '
        f"hurry. FER+ asked ten people about each picture. {ferplus.CONVENTION} Here "
        f"**{labelled:,}** of {len(account.labels):,} test faces have one "
        f"(left out: {left_out}), and it is FER2013's for **{agreeing / labelled:.1%}** of them."
    )
    if sides["mistakes"]:
        st.markdown(
            f"So part of what counts as a mistake against FER2013 is none to the crowd. Of "
            f"**{sides['mistakes']:,}** answers that FER2013 calls wrong, FER+ voters side with "
            f"the model in **{sides['with_model'] / sides['mistakes']:.0%}**, with FER2013 in "
            f"**{sides['with_fer2013'] / sides['mistakes']:.0%}**, and see something else in the "
            f"rest. Crowd labels are opinions too: of what is visible, never of what is felt."
        )

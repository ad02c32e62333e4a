"""Overview: how right the run is, beside other runs and other tools."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from fer import artifacts
from fer.app.common import plain
from fer.charts import model as model_charts
from fer.evaluation.account import Account
from pages.model_sections.shared import show_numbers

#: Parts of the test split: name in the run's metrics, title, explanation.
PARTS = (
    ("all", "All 7,178 test faces", "PublicTest and PrivateTest together."),
    ("without_twins", "Without the 572 twins", "Test faces equal to a training face left out."),
    ("PrivateTest", "PrivateTest alone", "The half of the test faces that papers report."),
)
MEASURES = {
    "All 7,178 faces": ("all", "accuracy"),
    "Without the twins": ("without_twins", "accuracy_without_twins"),
}
KINDS = {"measured": "measured by us", "published": "published"}


def show(account: Account, others: Sequence[Account]) -> None:
    """Cards with the main figures, all models on one scale, and the original beside this run."""
    show_cards(account)
    st.header("Beside others on the same faces")
    references = artifacts.read_references()
    show_models([account, *others], references)
    st.header("Beside the original system")
    show_original(account, references)


def show_cards(account: Account) -> None:
    """Accuracy with its interval, with and without the twins, and the size of the network."""
    figures = account.run.metrics
    *columns, last = st.columns(len(PARTS) + 1)
    for column, (part, title, note) in zip(columns, PARTS, strict=True):
        if found := figures["test"].get(part):  # a data set may lack the official halves
            with column.container(border=True):
                st.metric(title, f"{found['accuracy']:.1%}", help=note)
                st.caption(f"95% interval {found['low']:.1%} to {found['high']:.1%}")
    with last.container(border=True):
        st.metric("Parameters", f"{figures['parameters'] / 1e6:.2f} M")
        st.caption(f"{figures['multiply_adds'] / 1e6:.0f} M multiply-adds a face")
    st.caption(
        plain(account.run.details["protocol"])
        + " FER2013's labels are noisy, so no model can be right on all of them; and its people "
        "are not the world, so on other faces the figures will differ."
    )


def show_models(accounts: Sequence[Account], references: pd.DataFrame) -> None:
    """Our runs and the references as dots, best first."""
    measure = st.segmented_control(
        "Measured on", list(MEASURES), default=next(iter(MEASURES)), required=True
    )
    part, column = MEASURES[measure]
    ours = [
        {"name": account.run.name, "kind": "ours", **account.run.metrics["test"][part]}
        for account in accounts
    ]
    names = references["name"] + (" " + references["version"].astype("str")).where(
        references["version"].notna(), ""
    )
    theirs = references.assign(name=names, accuracy=references[column])
    theirs["kind"] = theirs["kind"].replace(KINDS)
    shown = ["name", "kind", "accuracy", "low", "high"]
    table = pd.concat([pd.DataFrame(ours), theirs.dropna(subset=["accuracy"])])[shown]
    # The majority class would squeeze all others together; its number stands in the table.
    table = table.sort_values("accuracy", ascending=False)
    lowest = float(table["accuracy"].max()) - 0.25
    st.altair_chart(
        model_charts.accuracies(table[table["accuracy"] > lowest], ("ours", *KINDS.values())),
        alt=f"accuracy of each model, {measure.lower()}",
    )
    if not (hidden := table[table["accuracy"] <= lowest]).empty:
        pairs = zip(hidden["name"], hidden["accuracy"], strict=True)
        listed = (f"{plain(name)} {accuracy:.1%}" for name, accuracy in pairs)
        st.caption("Not drawn, far below: " + ", ".join(listed) + ".")
    st.caption("Bars are 95% Wilson intervals; for other tools only the share itself is kept.")
    show_numbers(table, "models", shares=["accuracy", "low", "high"])
    show_numbers(
        references,
        "references",
        shares=["train_accuracy", "accuracy", "accuracy_without_twins"],
        title="Where the others' figures come from",
    )


def show_original(account: Account, references: pd.DataFrame) -> None:
    """The original system's published results beside this run's."""
    original = references.dropna(subset=["train_accuracy"]).iloc[0]
    ours, test = account.run.metrics, account.run.metrics["test"]["all"]
    missing = "not published"
    trained = ["not trained itself"] * 2
    if not account.run.members:
        trained = [f"{ours['train_accuracy']:.1%}", f"{ours['train_loss']:.3f}"]
    table = {
        "training accuracy": [f"{original.train_accuracy:.1%}", trained[0]],
        "training loss": [missing, trained[1]],
        "test accuracy": [f"{original.accuracy:.1%}", f"{test['accuracy']:.1%}"],
        "test loss": [missing, f"{test['loss']:.3f}"],
    }
    st.table(pd.DataFrame(table, index=["original system", account.run.name]))
    st.caption(
        "Test means all 7,178 test faces. The original system chose its checkpoint on them and "
        "called them validation, which flatters its figure a little."
    )

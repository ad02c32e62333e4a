"""Model: how good a run is, how it was trained, and where it fails, from committed files alone."""

import numpy as np
import pandas as pd
import streamlit as st

from fer import artifacts, charts, metrics
from fer.app import ensure_navigation, plain, show_curves, show_errors, show_training_runs
from fer.types import EMOTIONS, Run

#: Parts of the test split: name in the run's metrics, title, explanation.
PARTS = (
    ("all", "All 7,178 test faces", "PublicTest and PrivateTest together."),
    ("without_twins", "Without the 572 twins", "Test faces equal to a training face left out."),
    ("PrivateTest", "PrivateTest alone", "The half of the test faces that papers report."),
)

PERCENT = st.column_config.NumberColumn(format="%.1f%%")
BAR = st.column_config.ProgressColumn(format="%.1f%%", min_value=0, max_value=100)


def show_headline(run: Run) -> None:
    """Accuracy with its interval, with and without the twins, and the size of the network."""
    *columns, last = st.columns(len(PARTS) + 1)
    for column, (part, title, note) in zip(columns, PARTS, strict=True):
        if figures := run.metrics["test"].get(part):  # a data set may lack the official halves
            with column.container(border=True):
                st.metric(title, f"{figures['accuracy']:.1%}", help=note)
                st.caption(f"95% interval {figures['low']:.1%} to {figures['high']:.1%}")
    with last.container(border=True):
        st.metric("Parameters", f"{run.metrics['parameters'] / 1e6:.2f} M")
        st.caption(f"{run.metrics['multiply_adds'] / 1e6:.0f} M multiply-adds a face")
    st.caption(
        "FER2013's labels are noisy, so no model can be right on all of them; and its people are "
        "not the world, so on other faces the figures will differ."
    )


def show_mistakes(predictions: pd.DataFrame) -> None:
    """Confusion matrix, as a chart and as a table, and the figures of each expression."""
    labels = predictions["label"].map(EMOTIONS.index).to_numpy(np.int64)
    said = predictions[list(EMOTIONS)].to_numpy().argmax(axis=1).astype(np.int64)
    matrix = metrics.confusion_matrix(labels, said)
    st.markdown(
        f"Each row is an expression as FER2013 labels it, each column what the model says; a cell "
        f"holds the number of faces and its share of the row. Together **{matrix.sum():,}** faces."
    )
    st.altair_chart(charts.confusion(matrix), alt="confusion matrix of the test faces")
    with st.expander("The same numbers as a table", icon=":material/table:"):
        table = pd.DataFrame(matrix, index=EMOTIONS, columns=EMOTIONS)
        table["total"] = table.sum(axis=1)
        table.loc["total"] = table.sum()
        st.table(table)
    st.subheader("Expression by expression")
    figures = metrics.per_class(labels, said).rename(columns={"f1": "F1"})
    shares = ["precision", "recall", "F1"]
    figures[shares] *= 100
    st.dataframe(figures, hide_index=True, column_config=dict.fromkeys(shares, BAR))


def show_original(run: Run, references: pd.DataFrame) -> None:
    """The original system's published results beside this run's."""
    original = references.dropna(subset=["train_accuracy"]).iloc[0]
    ours, test = run.metrics, run.metrics["test"]["all"]
    missing = "not published"
    table = {
        "training accuracy": [f"{original.train_accuracy:.1%}", f"{ours['train_accuracy']:.1%}"],
        "training loss": [missing, f"{ours['train_loss']:.3f}"],
        "validation accuracy": [f"{original.accuracy:.1%}", f"{test['accuracy']:.1%}"],
        "validation loss": [missing, f"{test['loss']:.3f}"],
    }
    st.table(pd.DataFrame(table, index=["original system", run.name]))
    st.caption(
        "Validation means the 7,178 test faces here, as in the original system. About this run: "
        + plain(run.details["protocol"])
    )


def show_others(references: pd.DataFrame) -> None:
    """What others reach on the same test faces, with the source of each figure."""
    table = references.drop(columns="train_accuracy").rename(columns=lambda c: c.replace("_", " "))
    shares = ["accuracy", "accuracy without twins"]
    table[shares] *= 100
    formats = dict.fromkeys(shares, PERCENT)
    st.dataframe(table, hide_index=True, placeholder="", column_config=formats)


ensure_navigation()

st.title("Model")
st.markdown("How good it is, how it was trained, and where it fails.")
show_training_runs()
with show_errors():
    runs = artifacts.list_runs()
    name = st.selectbox("Run", runs, width=320) if runs else artifacts.default_run()
    run, folder = artifacts.load_run(name), artifacts.run_folder(name)
    show_headline(run)
    st.header("Where it fails")
    show_mistakes(artifacts.read_predictions(folder))
    st.header("Training")
    show_curves(artifacts.read_history(folder))
    st.header("Beside the original")
    references = artifacts.read_references()
    show_original(run, references)
    st.header("Others on the same faces")
    show_others(references)
    st.header("Model card")
    with st.container(border=True):
        st.markdown((folder / artifacts.CARD).read_text(encoding="utf-8"))

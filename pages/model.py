"""Model: how good a run is, how it was trained, and where it fails, from committed files alone."""

import time

import numpy as np
import pandas as pd
import streamlit as st

from fer import artifacts, charts, metrics
from fer.app import ensure_navigation, plain, show_errors
from fer.types import EMOTIONS, Run

#: Seconds between two looks for a training run's progress.
REFRESH_S = 5

#: A training run that made no progress for this many seconds has probably been interrupted.
STALE_S = 1800


def show_headline(run: Run) -> None:
    """Accuracy with its interval, with and without the twins, and the size of the network."""
    parts = (
        ("All 7,178 test faces", "all", "PublicTest and PrivateTest together."),
        (
            "Without the 572 twins",
            "without_twins",
            "572 test faces are byte for byte equal to a training face; here they are left out.",
        ),
        ("PrivateTest alone", "PrivateTest", "The half of the test faces that papers report."),
    )
    *columns, last = st.columns(4)
    for column, (label, images, note) in zip(columns, parts, strict=True):
        figures = run.metrics["test"][images]
        with column.container(border=True):
            st.metric(label, f"{figures['accuracy']:.1%}", help=note)
            st.caption(f"95% interval {figures['low']:.1%} to {figures['high']:.1%}")
    with last.container(border=True):
        st.metric("Parameters", f"{run.metrics['parameters'] / 1e6:.2f} M")
        st.caption(f"{run.metrics['multiply_adds'] / 1e6:.0f} M multiply-adds a face")
    st.caption(
        "FER2013's labels are noisy, so no model can be right on all of them; and its people are "
        "not the world, so on other faces the figures will differ."
    )


def show_training(history: pd.DataFrame) -> None:
    """Accuracy, loss and learning rate of each epoch."""
    accuracy, loss, rate = st.columns(3, gap="medium")
    accuracy.altair_chart(charts.training_curves(history, "accuracy"), alt="accuracy per epoch")
    loss.altair_chart(charts.training_curves(history, "loss"), alt="loss per epoch")
    rate.altair_chart(charts.learning_rate(history), alt="learning rate per epoch")


@st.fragment(run_every=REFRESH_S)
def show_under_way() -> None:
    """Training runs that have not finished; looks again by itself."""
    runs = artifacts.training_runs()
    names = [status.name for status in runs]
    if st.session_state.setdefault("training", names) != names:
        st.session_state["training"] = names
        st.rerun()  # one has finished or begun: the choice of runs may have changed
    for status in runs:
        idle = time.time() - status.updated
        state = f"no progress for {idle / 60:.0f} min" if idle > STALE_S else "under way"
        st.subheader(f":material/model_training: {plain(status.name)}: {state}")
        st.progress(status.epoch / status.epochs, f"epoch {status.epoch} of {status.epochs}")
        if status.epoch:
            show_training(artifacts.read_history(status.folder))
        else:
            st.caption("The curves begin after the first epoch.")


def show_original(run: Run, references: pd.DataFrame) -> None:
    """The original system's published results beside this run's."""
    rows = [
        {
            "": row["name"],
            "training accuracy": f"{row['train_accuracy']:.1%}",
            "training loss": "not published",
            "validation accuracy": f"{row['accuracy']:.1%}",
            "validation loss": "not published",
        }
        for _, row in references.dropna(subset=["train_accuracy"]).iterrows()
    ]
    rows.append(
        {
            "": run.name,
            "training accuracy": f"{run.metrics['train_accuracy']:.1%}",
            "training loss": f"{run.metrics['train_loss']:.3f}",
            "validation accuracy": f"{run.metrics['test']['all']['accuracy']:.1%}",
            "validation loss": f"{run.metrics['test']['all']['loss']:.3f}",
        }
    )
    st.table(pd.DataFrame(rows).set_index(""))


def show_references(references: pd.DataFrame) -> None:
    """What others reach on the same test faces, as measured or published."""
    percent = st.column_config.NumberColumn
    st.dataframe(
        references.drop(columns="train_accuracy"),
        hide_index=True,
        placeholder="",
        column_config={
            "accuracy": percent(format="percent"),
            "accuracy_without_twins": percent("without twins", format="percent"),
            "ms_per_face": st.column_config.NumberColumn("ms a face", format="%.2f"),
            "source": st.column_config.LinkColumn("source"),
        },
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
    shares = {
        name: st.column_config.ProgressColumn(title, format="%.1f%%", min_value=0, max_value=100)
        for name, title in (("precision", "precision"), ("recall", "recall"), ("f1", "F1"))
    }
    figures = metrics.per_class(labels, said)
    figures[list(shares)] *= 100
    st.dataframe(figures, hide_index=True, column_config=shares)


ensure_navigation()

st.title("Model")
st.markdown("How good it is, how it was trained, and where it fails.")
show_under_way()
with show_errors():
    name = st.selectbox("Run", artifacts.list_runs() or [artifacts.default_run()], width=320)
    run, folder = artifacts.load_run(name), artifacts.run_folder(name)
    show_headline(run)
    st.header("Where it fails")
    show_mistakes(artifacts.read_predictions(folder))
    st.header("Training")
    show_training(artifacts.read_history(folder))
    st.header("Beside the original")
    references = artifacts.read_references()
    show_original(run, references)
    st.header("Others on the same faces")
    show_references(references)
    st.header("Model card")
    with st.container(border=True):
        st.markdown((folder / artifacts.CARD).read_text(encoding="utf-8"))

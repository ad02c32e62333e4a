"""Training: curves per epoch, runs under way, and recipes side by side."""

import time
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from fer import artifacts
from fer.app.common import plain, show_errors
from fer.charts import model as model_charts
from fer.evaluation.account import Account
from fer.types import Run
from pages.model_sections.shared import show_numbers

#: Seconds between two looks for a training run's progress.
REFRESH_S = 5

#: A training run that made no progress for this many seconds has probably been interrupted.
STALE_S = 1800


def show(account: Account, others: Sequence[Account]) -> None:
    """Runs under way, then the chosen run's curves, then what its recipe says."""
    show_training_runs()
    runs = _trained([account.run, *(other.run for other in others)])
    histories = {run.name: artifacts.read_history(artifacts.run_folder(run.name)) for run in runs}
    st.header("Epoch by epoch")
    if account.run.members:
        names = " and ".join(plain(member) for member in account.run.members)
        st.caption(f"{plain(account.run.name)} is the mean of {names}, which are shown here.")
    show_curves(histories, None if len(runs) > 1 else runs[0].metrics["kept_epoch"])
    long = pd.concat(history.assign(run=name) for name, history in histories.items())
    show_numbers(long, "history", shares=["accuracy", "val_accuracy"])
    st.header("Recipes" if len(runs) > 1 else "Recipe")
    settings = pd.DataFrame({run.name: _settings(run.details) for run in runs})
    settings = settings.fillna("").rename_axis("setting").reset_index()
    st.dataframe(settings, hide_index=True, height="content")


def _trained(runs: Sequence[Run]) -> list[Run]:
    """The runs, each combined one replaced by its members, none twice."""
    found: dict[str, Run] = {}
    for run in runs:
        members = [artifacts.load_run(member) for member in run.members] or [run]
        found |= {member.name: member for member in members}
    return list(found.values())


def _settings(details: Mapping[str, object]) -> dict[str, str]:
    """A recipe and how long it took, in words."""
    recipe = details.get("recipe")
    known = dict(recipe) if isinstance(recipe, Mapping) else {}
    known |= known.pop("optimizer", {})
    words = {
        name.replace("_", " "): str(value)
        for name, value in known.items()
        if name not in ("run", "protocol")
    }
    if isinstance(seconds := details.get("seconds"), float):
        words["time"] = f"{seconds / 60:.0f} minutes on {details.get('machine')}"
    return words


@st.fragment(run_every=REFRESH_S)
def show_training_runs() -> None:
    """Show the training runs that have not finished, with curves that grow by themselves."""
    runs = artifacts.training_runs()
    names = [status.name for status in runs]
    if st.session_state.setdefault("training", names) != names:
        st.session_state["training"] = names
        st.rerun()  # one has finished or begun: the choice of runs may have changed
    for status in runs:
        idle = time.time() - status.updated
        state = f"no progress for {idle / 60:.0f} min" if idle > STALE_S else "under way"
        st.subheader(f":material/model_training: {plain(status.name)}: training {state}")
        with show_errors():
            history = artifacts.read_history(status.folder)
            minutes = history["seconds"].mean() * (status.epochs - status.epoch) / 60
            words = f"Epoch {status.epoch} of {status.epochs}, about {minutes:.0f} min to go"
            st.progress(status.epoch / status.epochs, words)
            show_curves({status.name: history})


def show_curves(histories: Mapping[str, pd.DataFrame], kept_epoch: int | None = None) -> None:
    """Show accuracy and loss of each epoch; of a single run its learning rate and time too.

    Args:
        histories: the columns of ``history.csv``, by name of the run.
        kept_epoch: of a single finished run.
    """
    for column, figure in zip(st.columns(2, gap="medium"), ("accuracy", "loss"), strict=True):
        chart = model_charts.training_curves(histories, figure, kept_epoch=kept_epoch)
        column.altair_chart(chart, alt=f"{figure} per epoch")
    if len(histories) > 1:
        st.caption("Whole lines: validation. Dashed lines: training, under dropout and flips.")
        return
    history = next(iter(histories.values()))
    left, right = st.columns(2, gap="medium")
    left.altair_chart(model_charts.learning_rate(history, height=230), alt="learning rate")
    right.altair_chart(model_charts.epoch_minutes(history, height=230), alt="minutes per epoch")
    st.caption(
        "Dotted line: the epoch whose weights are kept. "
        "Training figures are taken under dropout and varied pictures, so they can lie below "
        "validation."
    )

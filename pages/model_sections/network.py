"""Network: layers, drawing, files, and time per face measured here and now."""

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd
import streamlit as st

from fer import artifacts
from fer.app.common import load_model, plain
from fer.charts import data as data_charts
from fer.evaluation.account import Account
from fer.evaluation.architecture import read_layers
from fer.evaluation.latency import measure
from fer.provenance import machine
from fer.types import Run
from pages.model_sections.shared import show_numbers


def show(account: Account, _: Sequence[Account]) -> None:
    """Drawing and layers, files, latency."""
    folder = artifacts.run_folder(account.run.name)
    layers = read_layers(artifacts.run_folder(_choose_network(account.run)))
    totals = {
        "Layers": len(layers),
        "Parameters": sum(layer.parameters for layer in layers),
        "Multiply-adds a face": sum(layer.multiply_adds for layer in layers),
    }
    with st.container(horizontal=True):
        for title, number in totals.items():
            st.metric(title, f"{number:,}", border=True)
    st.header("From picture to seven probabilities")
    st.altair_chart(
        data_charts.network_drawing(layers), alt="drawing of the network, left to right"
    )
    st.caption(
        "Left to right. A block's height is the side of what the layer puts out, its width the "
        "number of channels; layers that change no shape (normalisation, ReLU, dropout) are in the "
        "table only."
    )
    table = pd.DataFrame(
        {
            "layer": layer.name,
            "kind": layer.kind,
            "setting": layer.detail,
            "output_shape": " × ".join(str(size) for size in layer.output),
            "parameters": layer.parameters,
            "multiply_adds": layer.multiply_adds,
            "reads": ", ".join(layer.inputs),
        }
        for layer in layers
    )
    show_numbers(table, "layers", title=f"All {len(layers)} layers")
    st.header("Time per face on this machine")
    show_latency(account.run.name)
    st.header("Files")
    files = [
        {"file": name, "kB": round((folder / name).stat().st_size / 1000, 1), "SHA-256": digest}
        for name, digest in account.run.files.items()
    ]
    st.dataframe(pd.DataFrame(files), hide_index=True, height="content")
    st.caption("Every file was compared with its recorded hash when the run was loaded.")


def _choose_network(run: Run) -> str:
    """The run whose network is drawn: its own, or one that its visitor chooses of its members."""
    if not run.members:
        return run.name
    st.caption(
        f"{plain(run.name)} is the mean of several networks over each face and its mirror image."
    )
    return st.segmented_control(
        "Network", run.members, default=run.members[0], required=True, key="network"
    )


def show_latency(name: str) -> None:
    """Measure on demand: nobody else's machine says how fast this one is."""
    if not st.button("Measure now", icon=":material/timer:"):
        st.caption("Takes a second or two. Times the serving file on one core, without detection.")
        return
    bar = st.progress(0.0, "Measuring…")

    def show_progress(done: float) -> None:
        bar.progress(done, "Measuring…")

    found = measure(load_model(name), on_progress=show_progress)
    bar.empty()
    with st.container(horizontal=True):
        for latency in found:
            together = "one at a time" if latency.batch == 1 else f"{latency.batch} at once"
            st.metric(f"Median, {together}", f"{latency.median:.2f} ms", border=True)
    st.caption(f"On {machine()}, beside whatever else it is doing.")
    show_numbers(pd.DataFrame(asdict(latency) for latency in found), "latency")

"""Confidence: whether it can be trusted, and what leaving out unsure answers gains."""

from collections.abc import Sequence

import streamlit as st

from fer import calibration
from fer.app.common import choose_least_confidence, plain
from fer.charts import model as model_charts
from fer.evaluation.account import Account, calibration_figures
from pages.model_sections.shared import show_numbers


def show(account: Account, _: Sequence[Account]) -> None:
    """Reliability before and after calibration; coverage against accuracy."""
    st.header("Does 70% sure mean 70% right?")
    show_calibration(account)
    st.header("Answer less, be right more often")
    show_coverage(account)


def show_calibration(account: Account) -> None:
    """The reliability diagram, ECE and Brier score."""
    figures = calibration_figures(account)
    names = list(figures["probabilities"])
    both = dict(zip(names, (account.raw, account.probabilities), strict=False))
    tables = {name: calibration.reliability(account.labels, found) for name, found in both.items()}
    chart, beside = st.columns([3, 2], gap="large")
    chart.altair_chart(
        model_charts.reliability(tables), alt="reliability diagram: accuracy by confidence"
    )
    with beside:
        for row in figures.itertuples():
            st.markdown(f"**Probabilities {row.probabilities}**")
            with st.container(horizontal=True):
                st.metric("ECE", f"{row.ece:.3f}", help="Expected calibration error, 15 bins.")
                st.metric("Brier score", f"{row.brier:.3f}", help="0 to 2, less is better.")
        st.markdown(_about_calibration(account))
    long = [table.assign(probabilities=name) for name, table in tables.items()]
    for name, table in zip(names, long, strict=True):
        show_numbers(
            table,
            f"reliability-{len(name)}",
            shares=["confidence", "accuracy"],
            title=f"The bins, {name}",
        )
    show_numbers(
        figures, "calibration", shares=["mean_confidence"], title="ECE, Brier and log loss"
    )


def _about_calibration(account: Account) -> str:
    found = account.run.details.get("calibration")
    if not found:
        return (
            "This run is **not calibrated**: it was validated on the test faces themselves, so "
            "no images are left to fit a calibration on honestly. What it says of its confidence "
            "is what the network puts out."
        )
    return (
        f"Dividing the network's logits by the temperature **{found['temperature']:.3f}** and "
        f"taking back **{found['even_share']:.1%}**, shared evenly among the seven expressions, "
        "changes no answer, only how sure it is. Both were fitted on "
        f"{plain(found['fitted_on'])}, are stored with the run, and every page uses them."
    )


def show_coverage(account: Account) -> None:
    """A slider for the least confidence, and what remains."""
    threshold = choose_least_confidence(account.run)
    kept = account.probabilities.max(axis=1) >= threshold
    right = account.answers[kept] == account.labels[kept]
    with st.container(horizontal=True):
        st.metric("Faces that get an answer", f"{kept.mean():.1%}", border=True)
        share = f"{right.mean():.1%}" if kept.any() else "none left"
        st.metric("Right among those", share, border=True)
        st.metric("Faces called unsure", f"{int((~kept).sum()):,}", border=True)
    curve = calibration.coverage_curve(account.labels, account.probabilities)
    st.altair_chart(
        model_charts.coverage(curve, threshold), alt="accuracy against coverage, the choice marked"
    )
    stored = (account.run.details.get("calibration") or {}).get("unsure_threshold")
    advice = (
        f" The run itself proposes {stored:.2f}: there it was right on 80% of its validation "
        "images."
        if stored
        else ""
    )
    st.caption(
        "In this session, the pages Photo, Video and Live call answers unsure that are less sure "
        f"than {threshold:.2f}.{advice}"
    )
    show_numbers(curve, "coverage", shares=["threshold", "coverage", "accuracy"])

"""The Model page in a browser: a cell is clicked, the slider moved, the run switched."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from fer import artifacts
from fer.evaluation.account import read_account
from fer.metrics import confusion_matrix
from fer.types import EMOTIONS

ROW, COLUMN = EMOTIONS.index("fear"), EMOTIONS.index("sad")


def open_section(app: Page, section: str) -> None:
    app.goto(f"/model?section={section}")
    expect(app.get_by_role("heading", name="Model", exact=True)).to_be_visible()


def test_a_click_on_a_cell_lists_its_faces(app: Page) -> None:
    account = read_account(artifacts.default_run())
    matrix = confusion_matrix(account.labels, account.answers)
    assert matrix.sum() == 7178
    open_section(app, "Confusions")
    expect(app.get_by_text("Together 7,178 faces")).to_be_visible()
    chart = app.get_by_test_id("stVegaLiteChart").first
    # The figure stands in its cell: a click on it must reach the cell.
    count = f"{matrix[ROW, COLUMN]:,}"
    chart.locator("svg text", has_text=re.compile(f"^{count}$")).first.click()
    expect(app.get_by_role("heading", name="Labelled fear, model says sad")).to_be_visible()
    expect(app.get_by_text(f"{count} faces, the most confident answers first")).to_be_visible()
    expect(app.get_by_text(f"All {count} with their probabilities")).to_be_visible()


def test_the_slider_trades_answers_for_accuracy(app: Page) -> None:
    open_section(app, "Confidence")
    answered = app.get_by_test_id("stMetric").filter(has_text="Faces that get an answer")
    expect(answered).to_contain_text("%")
    slider = app.get_by_role("slider")
    slider.focus()
    account = read_account(artifacts.default_run())
    # Where the run was calibrated the slider starts from its own proposal.
    before = round(account.run.details["calibration"].get("unsure_threshold", 0.0), 2)
    for _ in range(20):
        slider.press("ArrowRight")
    limit = f"{before + 0.2:.2f}"
    expect(app.get_by_text(f"less sure than {limit}")).to_be_visible()
    kept = account.probabilities.max(axis=1) >= float(limit)
    right = (account.answers == account.labels)[kept]
    expect(answered).to_contain_text(f"{kept.mean():.1%}")
    among = app.get_by_test_id("stMetric").filter(has_text="Right among those")
    expect(among).to_contain_text(f"{right.mean():.1%}")


def test_every_run_can_be_chosen(app: Page) -> None:
    open_section(app, "Network")
    for name in reversed(artifacts.list_runs()):
        app.get_by_role("combobox", name="Run").click()
        app.get_by_role("option", name=name, exact=True).click()
        run = artifacts.load_run(name)
        if run.members:  # it has no network of its own: its first member's is drawn
            run = artifacts.load_run(run.members[0])
        parameters = run.metrics["parameters"]
        # While the page is drawn anew, the last run's figures may still stand below.
        figure = app.get_by_test_id("stMetric").filter(has_text="Parameters").first
        expect(figure).to_contain_text(f"{parameters:,}")


def test_the_time_per_face_is_measured_on_demand(app: Page) -> None:
    open_section(app, "Network")
    app.get_by_role("button", name="Measure now").click()
    alone = app.get_by_test_id("stMetric").filter(has_text="Median, one at a time")
    expect(alone).to_contain_text(re.compile(r"\d+\.\d\d ms"))

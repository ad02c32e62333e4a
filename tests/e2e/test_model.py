from __future__ import annotations

from playwright.sync_api import Page, expect

from fer.types import EMOTIONS

READ_ROWS = "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))"


def test_the_confusion_matrix_holds_every_test_face(app: Page) -> None:
    app.goto("/model")
    app.get_by_text("The same numbers as a table").click()
    header = app.get_by_role("columnheader", name="total")
    table = app.get_by_role("table").filter(has=header)
    expect(table).to_be_visible()
    rows = {name: counts for name, *counts in table.locator("tbody tr").evaluate_all(READ_ROWS)}
    matrix = [[int(count) for count in rows[name][: len(EMOTIONS)]] for name in EMOTIONS]
    assert sum(map(sum, matrix)) == 7178
    assert int(rows["total"][-1]) == 7178
    assert all(matrix[i][i] > 0 for i in range(len(EMOTIONS)))

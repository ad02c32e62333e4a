from __future__ import annotations

import io
import json
from dataclasses import replace

import jsonschema
import pandas as pd
import pytest

from fer.live import summary as live_summary
from fer.live.session import LiveSession
from fer.live.settings import LiveSettings
from fer.paths import ASSETS
from fer.provenance import NOTE
from fer.types import VideoReport
from fer.video import report
from tests.fakes import fake_run, frame, prediction, probabilities

SCHEMA = ASSETS / "report.schema.json"


@pytest.fixture
def made() -> VideoReport:
    """Three seconds happy, one sad, the other person there for the last second."""
    session = LiveSession(LiveSettings(least_confidence=0.3))
    session.detector, session.run = "YuNet", fake_run()
    recording, meter = session.begin()
    for step in range(20):
        first = {"happy": 0.8} if step < 15 else {"sad": 0.8}
        people = [replace(prediction(track=1), probabilities=probabilities(**first))]
        if step >= 15:
            people.append(prediction((80, 10, 110, 50), track=2, neutral=0.8))
        recording.add(frame(*people, index=3 * step, time_s=step / 5), {})
        meter.add(step / 5, {})
    meter.drop(7)
    found = live_summary.make_report(session)
    assert found is not None
    return found


def test_time_is_shared_out_by_person_and_expression(made: VideoReport) -> None:
    table = live_summary.summary_table(made)
    assert table.to_dict("records") == [
        {"person": 1, "expression": "happy", "seconds": pytest.approx(3), "share": 0.75},
        {"person": 1, "expression": "sad", "seconds": pytest.approx(1), "share": 0.25},
        {"person": 2, "expression": "neutral", "seconds": pytest.approx(1), "share": 1.0},
    ]


def test_every_row_of_the_files_tells_where_it_comes_from(made: VideoReport) -> None:
    for text in (live_summary.summary_csv(made), live_summary.timeline_csv(made)):
        table = pd.read_csv(io.StringIO(text))
        assert len(table) == 3
        assert set(table["model"]) == {"fake-cnn"}
        assert set(table["detector"]) == {"YuNet"}
        assert set(table["least_confidence"]) == {0.3}
        assert table["note"].str.contains("not for decisions about people").all()
        assert pd.to_datetime(table["created"]).notna().all()


def test_the_report_follows_the_published_schema(made: VideoReport) -> None:
    content = json.loads(report.to_json(made))
    jsonschema.validate(content, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert content["source"] == "live camera"
    assert content["note"] == NOTE
    assert content["settings"]["frames_received"] == 27
    assert content["settings"]["frames_dropped"] == 7


def test_without_a_picture_there_is_no_summary() -> None:
    session = LiveSession()
    assert live_summary.make_report(session) is None
    session.begin()
    assert live_summary.make_report(session) is None


def test_a_session_without_people_makes_empty_files() -> None:
    session = LiveSession()
    session.run = fake_run()
    recording, _ = session.begin()
    recording.add(frame(), {})
    found = live_summary.make_report(session)
    assert found is not None
    assert live_summary.summary_table(found).empty
    assert live_summary.summary_csv(found).startswith("person,expression,seconds,share,model")

"""Benchmark: the analysis of a whole video against decoding and encoding alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer.bench.record import Plan, Section, Table

if TYPE_CHECKING:
    from tools.measure_video import Figures


def video(plan: Plan) -> Section:
    """Measure a clip of one face, played there and back, and one several times as long."""
    # A command of the project's own, not of the package.
    from tools.measure_video import measure

    seconds, longer = (2, 2) if plan.quick else (10, 6)
    found = measure(plan.media / "pyfeat_single_face.mp4", seconds=seconds, longer=longer)
    work = (
        ("decoding and encoding, pictures never touched", found.transcoding),
        ("decoding to pictures and encoding those", found.copying),
        ("the whole analysis, annotated", found.analysis),
    )
    rows = tuple(
        (label, times.wall_s, times.processor_s, 1000 * times.processor_s / found.frames)
        for label, times in work
    )
    columns = ("what", "s, wall", "s, processor", "ms per frame, processor")
    return Section(
        tables=(Table(f"{found.frames} frames of 640x360, one face", columns, rows),),
        figures={
            "video_ratio": found.wall_ratio,
            "video_processor_ratio": found.processor_ratio,
            "ms_per_frame": 1000 * found.analysis.processor_s / found.frames,
            "peak_mb": found.peak_mb,
            "longer_peak_mb": found.longer_peak_mb,
        },
        notes=(f"Peak memory of the command line: {_memory(found, longer)}.",),
    )


def _memory(found: Figures, longer: int) -> str:
    longest = f"{found.longer_peak_mb:.0f} MB for a video {longer} times as long"
    return f"{found.peak_mb:.0f} MB; {longest}"

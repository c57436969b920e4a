"""What a session shows of its shared state; under its lock."""

from __future__ import annotations

from armicro.contracts.results import FovResult
from armicro.session.case_state import FieldChoice
from armicro.session.desk import Captured, Desk
from armicro.session.field_notes import case_control, field_notes
from armicro.session.objectives import Objectives
from armicro.session.view import CapturedField, ScoreChange, SessionSnapshot, Vitals


def result_of(desk: Desk, number: int) -> FovResult | None:
    """Return a field's result by what holds now; None until it is there."""
    choice = next((f for f in desk.choice.fields if f.number == number), None)
    if choice is None:
        return None
    task = desk.field_task(choice, desk.choice.profile.thresholds)
    have = desk.book.results.get(number)
    return have[1] if task is not None and have is not None and have[0].of == task.of else None


def snapshot_of(desk: Desk, objectives: Objectives) -> SessionSnapshot:
    """Put the present state together."""
    history, choice = desk.book.history, desk.choice
    return SessionSnapshot(
        state=desk.machine.state,
        faults=tuple(desk.faults.values()),
        notices=tuple(desk.notices),
        case_id=desk.book.case_id,
        guideline=choice.guideline.name,
        profile=choice.profile,
        profile_locked_by=desk.locked_by,
        objectives=objectives.choices,
        objective=objectives.name,
        camera=desk.camera,
        fields=tuple(_field(desk, one) for one in choice.fields),
        summary=desk.summary,
        change=_change(desk),
        overlay_on=desk.overlay_on,
        undo_label=history.undo_label,
        redo_label=history.redo_label,
        busy=_busy(desk),
        vitals=Vitals(
            fps=desk.rates.fps,
            live_fps=desk.rates.live_fps,
            dropped=desk.live_lane.counts.dropped,
            latency_p95_ms=desk.rates.latency_p95_ms,
            engine=desk.detector_identity,
        ),
        signed_off=desk.book.signed_off,
        continued_after=desk.book.continued_after,
        control=case_control(choice.fields),
    )


def _field(desk: Desk, choice: FieldChoice) -> CapturedField:
    captured = desk.book.captured[choice.number]
    result = result_of(desk, choice.number)
    return CapturedField(
        number=choice.number,
        removed=choice.removed,
        thumbnail=captured.thumbnail,
        result=result,
        counts={} if result is None else result.counts(),
        edits=len(choice.edits),
        warnings=_warnings(captured, choice.told, result),
        refused=choice.refused,
        notes=field_notes(choice),
    )


def _warnings(captured: Captured, told: tuple[str, ...], result: FovResult | None) -> tuple[str, ...]:
    """Put warnings together; what the gate says of a fault is not said again by the reading."""
    # Of a case that was opened again what the gate said is kept with the case alone.
    gate = (*(captured.warnings or told), *((captured.scale_words,) if captured.scale_words else ()))
    if result is None:
        return gate
    said = {w.partition(":")[0] for w in gate}
    return (*gate, *(w for w in result.quality.warnings if w.partition(":")[0] not in said))


def _change(desk: Desk) -> ScoreChange | None:
    if desk.changed_from is None:
        return None
    after = desk.after_change
    holds = after is not None and after.task.like(desk.case_task(desk.thresholds_shown))
    return ScoreChange(
        desk.before_change, after.summary if holds and after is not None else None, desk.cells_changed
    )


def _busy(desk: Desk) -> str:
    if desk.busy_reading:
        return desk.busy_reading
    if desk.keeping:
        return "writing a captured field"
    waits = desk.summary is None and desk.case_task(desk.choice.profile.thresholds) is not None
    return (
        "scoring" if waits and any(not f.removed for f in desk.choice.fields) and desk.book.readings else ""
    )

"""A kept case read again from its pixels, by what was decided about it, to see whether the same comes out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from armicro.app.detectors import CLASSICAL, DetectorChoice, MadeDetector, make_detector
from armicro.assays.digest import results_sha256
from armicro.assays.her2_ihc import analyse
from armicro.assays.recipe import Her2IhcRecipe, Reading, reading_version
from armicro.contracts.errors import ArmicroError, StoreError
from armicro.contracts.frame import Frame
from armicro.contracts.results import FovResult
from armicro.inference.choose import Say, engine_of
from armicro.scoring.guidelines import load_guideline
from armicro.scoring.model import Guideline
from armicro.session.case_state import CaseChoice, FieldChoice
from armicro.session.edits import edited
from armicro.session.settings_text import choice_of, settings_of, with_kept
from armicro.store.casebook import CaseBook, Finding
from armicro.store.chain import LoggedEvent


@dataclass(frozen=True, slots=True)
class KeptCase:
    """What a case's log says of it.

    Parameters
    ----------
    name : str
        The case's.
    choice : CaseChoice
        What was decided last, with all fields that are kept.
    reading : Reading
        How cells were read.
    calibration_id : str
        Of the instrument.
    seed : int
        Of the interval's resampling.
    detector : str
        Identity of what found the nuclei of the last score, or when it was opened last.
    score : mapping of str to value, or None
        The last score that was recorded; None if there is none for the fields as they are.
    events : tuple of LoggedEvent
        All of it.
    locked_as : str or None
        Which locked settings the last score was made with.
    simulated : frozenset of int
        Numbers of the fields whose pixels were made up.
    """

    name: str
    choice: CaseChoice
    reading: Reading
    calibration_id: str
    seed: int
    detector: str
    score: dict[str, str | int | None] | None
    events: tuple[LoggedEvent, ...]
    locked_as: str | None = None
    simulated: frozenset[int] = frozenset()


def kept_case(book: CaseBook, name: str) -> KeptCase:
    """Gather what a case's log says.

    Raises
    ------
    StoreError, GuidelineError
        If there is no such case, it was never opened by a session, or its rules are not here.
    """
    numbers = tuple(one.number for one in book.fields(name))
    return told_by(name, book.events(name), numbers, load_guideline)


def told_by(
    name: str, events: Sequence[LoggedEvent], numbers: tuple[int, ...], load: Callable[[str], Guideline]
) -> KeptCase:
    """Gather what a case's events say of it.

    Parameters
    ----------
    name : str
        The case's.
    events : sequence of LoggedEvent
        All of its history.
    numbers : tuple of int
        Of the fields that are there.
    load : callable
        From a rule set's name to the rules.

    Raises
    ------
    StoreError, GuidelineError
        If no event tells how it was read, or its rules are not here.
    """
    simulated: set[int] = set()
    opened: dict[str, str | int] | None = None
    score: dict[str, str | int | None] | None = None
    text, detector = None, ""
    locked: str | None = None
    for event in events:
        details = json.loads(event.details)
        text = details.get("settings", text)
        if event.kind == "opened":
            opened, detector = details, str(details.get("detector", ""))
            locked = details.get("locked")
        elif event.kind == "settings-lock":
            locked = details["name"]
        elif event.kind == "capture" and details.get("simulated") is True:
            simulated.add(details["number"])
        elif event.kind == "score":
            score, detector = details, str(details.get("detector", ""))
    if opened is None or text is None:
        raise StoreError(
            f"case {name!r} has no settings, so nothing tells how it was read: open it once with "
            "armicro run --case"
        )
    settings = settings_of(text)
    choice = choice_of(settings, load)
    return KeptCase(
        name,
        with_kept(choice, numbers, settings.kept_up_to),
        Reading(str(opened["reading"])),
        str(opened["calibration"]),
        int(opened["seed"]),
        detector,
        score,
        tuple(events),
        locked,
        frozenset(simulated),
    )


class Rereader:
    """Reads kept cases again; makes each detector once.

    Parameters
    ----------
    book : CaseBook
        Where the cases are.
    say : callable
        Told in one line what takes long.
    """

    def __init__(self, book: CaseBook, say: Say) -> None:
        self._book = book
        self._say = say
        self._made: dict[str, MadeDetector] = {}

    def recipe(self, case: KeptCase) -> Her2IhcRecipe:
        """Return how a case was read.

        Raises
        ------
        StoreError
            If what found its nuclei is not here (another network, engine or version).
        """
        made = self._made.get(case.detector) or self._find(case.detector)
        return Her2IhcRecipe(case.choice.profile, made.detector, case.reading)

    def _find(self, identity: str) -> MadeDetector:
        made = nearest_detector(identity, self._say)
        if made.detector.identity == identity:
            self._made[identity] = made
            return made
        raise StoreError(
            f"nuclei were found by {identity}, which is not here: this armicro has another version"
        )

    def frame(self, case: KeptCase, number: int) -> Frame:
        """Return a field's pixels. Raises `StoreError` if they are damaged."""
        opened = self._book.open_case(case.name)
        try:
            return opened.frame(number)
        finally:
            opened.close()

    def result(self, case: KeptCase, recipe: Her2IhcRecipe, one: FieldChoice, frame: Frame) -> FovResult:
        """Read one field again, with what was done to it by hand."""
        return read_again(case, recipe, one, frame)


def read_again(case: KeptCase, recipe: Her2IhcRecipe, one: FieldChoice, frame: Frame) -> FovResult:
    """Read a field of a case, with what was done to it by hand."""
    result = analyse(frame, recipe, regions=one.regions, calibration_id=case.calibration_id)
    return edited(result, one.edits, one.regions)


def nearest_detector(identity: str, say: Say) -> MadeDetector:
    """Make the detector of a name and engine; its version may be another.

    Raises
    ------
    StoreError
        If there is none of that name.
    """
    choice = DetectorChoice(CLASSICAL)
    if not identity.startswith(CLASSICAL):
        choice = DetectorChoice(identity.partition("/")[0], engine_of(identity))
    try:
        return make_detector(choice, say)
    except ArmicroError as error:
        raise StoreError(f"nuclei were found by {identity}, which is not here: {error}") from error


Progress = Callable[[int, int], None]


def not_reproduced(rereader: Rereader, case: KeptCase, progress: Progress) -> tuple[Finding, ...]:
    """Read a case again and compare it with the score that was recorded.

    Returns
    -------
    tuple of Finding
        What differs; empty if every cell came out as it was, to the last bit.
    """
    counting = [f for f in case.choice.fields if not f.removed]
    if not counting:
        return ()
    if case.score is None:
        return (
            Finding(
                case.name, "no score was recorded: go on with it once (armicro run --case), then check again"
            ),
        )
    try:
        recipe = rereader.recipe(case)
        results = []
        for done, one in enumerate(counting):
            progress(done, len(counting))
            results.append(rereader.result(case, recipe, one, rereader.frame(case, one.number)))
    except ArmicroError as error:
        return (Finding(case.name, f"the score cannot be made again: {error}"),)
    progress(len(counting), len(counting))
    n_cells = sum(int(r.cells.counted.sum()) for r in results)
    if results_sha256(results) == case.score["sha256"]:
        return ()
    words = f"reading it again gives other cells: {n_cells}, recorded {case.score['n_cells']}"
    was, now = case.score.get("reading_version", 1), reading_version(case.reading)
    if was != now:
        words += (
            f"; it was scored by version {was} of the {case.reading} reading, and this armicro has version "
            f"{now}: check it with the armicro that scored it, or go on with the case to score it anew"
        )
    if case.score["n_fields"] != len(counting):
        words = f"the last score is of {case.score['n_fields']} fields, and {len(counting)} count now"
    return (Finding(case.name, words),)


def findings(book: CaseBook, rereader: Rereader | None, name: str, progress: Progress) -> tuple[Finding, ...]:
    """Check a case: chain and pixels, then, with a rereader, that reading it again gives its score."""
    found = book.verify(name)
    if found or rereader is None:
        return found
    try:
        case = kept_case(book, name)
    except ArmicroError as error:
        return (Finding(name, str(error)),) if book.fields(name) else ()
    return not_reproduced(rereader, case, progress)

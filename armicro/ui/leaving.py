"""New cases, reports and profiles: what is asked of a person first, and then of session or program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from armicro.contracts.errors import ArmicroError
from armicro.session.commands import Amend, NewCase, RestoreField, SetStainProfile, SignOff
from armicro.session.view import CapturedField, SessionControl
from armicro.ui.dialogs import Dialogs, Leaving
from armicro.ui.hooks import Hooks
from armicro.ui.worker import Worker


class CaseDesk(QObject):
    """Asks, then acts; what goes wrong is told by `told`.

    Parameters
    ----------
    session : SessionControl
        Told of new cases and profiles.
    hooks : Hooks
        What the program does.
    dialogs : Dialogs
        Asks.
    worker : Worker
        Writes reports.
    """

    told = pyqtSignal(str)
    """Something that the user has to see, in words."""

    def __init__(self, session: SessionControl, hooks: Hooks, dialogs: Dialogs, worker: Worker) -> None:
        super().__init__(worker)
        self._session, self._hooks, self._dialogs, self._worker = session, hooks, dialogs, worker

    def call(self, hook: Callable[..., object] | None, *what: object) -> None:
        """Call on the program; what it cannot do is told."""
        if hook is not None:
            try:
                hook(*what)
            except ArmicroError as error:
                self.told.emit(str(error))

    def new_case(self) -> None:
        """Begin another case, unless the user rather stays with the present one."""
        if self.may_leave(self.new_case, ends=False):
            case_id = self._dialogs.text("New case", "Number or name of the new case:")
            if case_id is not None:
                self._session.do(NewCase(case_id))

    def open_case(self) -> None:
        """Go on with a case that is kept, unless the user rather stays with the present one."""
        if self._hooks.cases is None or not self.may_leave(self.open_case, ends=False):
            return
        try:
            names = self._hooks.cases()
        except ArmicroError as error:
            self.told.emit(str(error))
            return
        if not names:
            self.told.emit("No other case is kept yet.")
            return
        case_id = self._dialogs.kept_case(names)
        if case_id is not None:
            self._session.do(NewCase(case_id))

    def sign_off(self) -> None:
        """Lock the case as it stands."""
        note = self._dialogs.text(
            "Sign off", "The case is locked as it stands. Name or note, kept with the signature:"
        )
        if note is not None:
            self._session.do(SignOff(note))

    def amend(self) -> None:
        """Open a signed-off case again."""
        reason = self._dialogs.text("Amend", "Why is the signed-off case changed? The reason is kept.")
        if reason is not None:
            self._session.do(Amend(reason))

    def restore(self, field: CapturedField) -> None:
        """Count a field again; one that was refused only with a reason."""
        why: str | None = ""
        if field.refused:
            why = self._dialogs.text(
                f"Count field {field.number}",
                f"Field {field.number} was refused: {field.refused}.\nWhy does it count all the same?",
            )
        if why is not None:
            self._session.do(RestoreField(field.number, why))

    def may_leave(self, again: Callable[[], object], *, ends: bool) -> bool:
        """Ask, if something would be lost; `again` is called once a report was written instead."""
        lost = "" if self._hooks.would_lose is None else self._hooks.would_lose(ends)
        if not lost:
            return True
        answer = self._dialogs.leaving(lost, can_report=self._hooks.report is not None)
        if answer is Leaving.REPORT:
            self.write_report(again)
        return answer is Leaving.LOSE

    def write_report(self, then: Callable[[], object] | None = None) -> None:
        """Write the report of the case, away from the event loop."""
        report = self._hooks.report
        path = (
            None if report is None else self._dialogs.report_file(f"{self._session.snapshot().case_id}.html")
        )
        if report is None or path is None:
            return
        write, wanted = report, path

        def written(_: object) -> None:
            self.told.emit(f"The report is written: {wanted}")
            if then is not None:
                then()

        self._worker.submit(lambda: write(Path(wanted)), written)

    def profile(self, what: str) -> None:
        """Choose, save or lock the stain profile."""
        if what == "choose":
            names = () if self._hooks.profiles is None else self._hooks.profiles()
            name = self._dialogs.profile(names)
            if name is not None:
                self._session.do(SetStainProfile(name))
        elif what == "save":
            path = self._dialogs.profile_file(f"{self._session.snapshot().profile.name}.toml")
            if path is not None:
                self.call(self._hooks.save_profile, path)
        else:
            name = self._dialogs.text(
                "Lock settings",
                "Profile, rules, reading and detector as they are now. Under which name (validated 2026-11)?",
            )
            if name is not None:
                self.call(self._hooks.lock_profile, name)

"""Every command of the window: its name, key, and what it does. Tooltips and the help page read it."""

from __future__ import annotations

from dataclasses import dataclass

from tools.annotate.model import Kind, Membrane
from tools.annotate.pictures import Look

CATEGORY_WORDS = {
    Membrane.INTENSE_COMPLETE: "intense complete",
    Membrane.INTENSE_INCOMPLETE: "intense incomplete",
    Membrane.WEAK_COMPLETE: "weak complete",
    Membrane.WEAK_INCOMPLETE: "weak incomplete",
    Membrane.FAINT: "faint",
    Membrane.NONE: "none",
    Membrane.UNKNOWN: "cannot tell",
}
CATEGORY_KEYS = {membrane: str(n) for n, membrane in enumerate(CATEGORY_WORDS, 1)}
KIND_KEYS = {kind: str(kind) for kind in Kind}


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the window.

    Parameters
    ----------
    name : str
        How the program calls it.
    group : str
        Heading on the help page.
    text : str
        What it does, a few words.
    keys : tuple of str
        Its keys, in Qt's notation; the first is shown.
    """

    name: str
    group: str
    text: str
    keys: tuple[str, ...]


MARK, LOOK, MOVE, CROP, FILE = "Mark", "Look", "Go to", "Crop", "Everything"

COMMANDS: tuple[Command, ...] = (
    Command("kind.T", MARK, "tumour nucleus", ("T",)),
    Command("kind.O", MARK, "other nucleus", ("O",)),
    Command("kind.U", MARK, "uncertain", ("U",)),
    Command("add.T", MARK, "clicks add tumour", ("Shift+T",)),
    Command("add.O", MARK, "clicks add other", ("Shift+O",)),
    Command("add.U", MARK, "clicks add uncertain", ("Shift+U",)),
    *(
        Command(f"category.{membrane}", MARK, f"membrane {membrane}: {words}", (CATEGORY_KEYS[membrane],))
        for membrane, words in CATEGORY_WORDS.items()
    ),
    Command("category.", MARK, "membrane: take the category off", ("0",)),
    Command("confirm", MARK, "right as proposed, go to the next", ("Return", "Enter")),
    Command("remove", MARK, "remove the point", ("Del", "Backspace")),
    Command("deselect", MARK, "select nothing", ("Esc",)),
    Command("next", MOVE, "next point to review", ("Tab", "N")),
    Command("previous", MOVE, "previous point to review", ("Shift+N", "Shift+Tab")),
    Command("crop.next", MOVE, "next crop of the field", ("]",)),
    Command("crop.previous", MOVE, "previous crop", ("[",)),
    Command("field.next", MOVE, "next field", ("PgDown",)),
    Command("field.previous", MOVE, "previous field", ("PgUp",)),
    Command("look.RGB", LOOK, "colours as they are", ("R",)),
    Command("look.haematoxylin", LOOK, "haematoxylin alone", ("E",)),
    Command("look.DAB", LOOK, "DAB alone", ("D",)),
    Command("hide", LOOK, "hide or show the points", ("H",)),
    Command("labels", LOOK, "hide or show category labels", ("L",)),
    Command("grid", LOOK, "grid every 50 px", ("G",)),
    Command("zoom.in", LOOK, "zoom in around the cursor", ("+", "=")),
    Command("zoom.out", LOOK, "zoom out", ("-",)),
    Command("zoom.one", LOOK, "one to one", ("Z",)),
    Command("fit", LOOK, "fit the crop", ("F",)),
    Command("fit.field", LOOK, "fit the whole field", ("Shift+F",)),
    Command("crop.place", CROP, "place a crop at the cursor", ("C",)),
    Command("propose", CROP, "propose nuclei in this crop", ("P",)),
    Command("complete", CROP, "every nucleus is marked", ("Ctrl+Return", "Ctrl+Enter")),
    Command("undo", FILE, "undo", ("Ctrl+Z",)),
    Command("redo", FILE, "redo", ("Ctrl+Shift+Z", "Ctrl+Y")),
    Command("save", FILE, "save now, not in a second", ("Ctrl+S",)),
    Command("help", FILE, "this page", ("F1", "?")),
)

MOUSE: tuple[tuple[str, str], ...] = (
    ("click", "add a point; on a point: select it"),
    ("Alt + click", "add right beside another point"),
    ("drag a point", "move it"),
    ("right click", "remove the nearest point"),
    ("wheel", "zoom around the cursor"),
    ("Space + drag", "pan; so does the middle button"),
    ("arrows", "nudge the selected point, or pan"),
)


def look_of(name: str) -> Look:
    """Return the look that a command `look.NAME` shows."""
    return Look(name.removeprefix("look."))

"""A pedal tried out: what was heard, and what it cannot tell."""

from __future__ import annotations

from armicro.contracts.devices import Gesture, PedalPress
from armicro.session.instrument_choice import InstrumentChoice
from armicro.session.pedal_trial import PedalTrial


def press(trial: PedalTrial, *gestures: Gesture) -> None:
    for gesture in gestures:
        trial.heard(PedalPress(gesture, 0, "pedal"))


def test_all_three_gestures_are_asked_for_in_turn() -> None:
    trial = PedalTrial()
    assert "Press now" in trial.words
    press(trial, Gesture.BEGAN)
    assert "down" in trial.words
    press(trial, Gesture.SHORT)
    assert (trial.works, trial.down) == (True, False)
    assert "long press" in trial.words
    press(trial, Gesture.BEGAN, Gesture.LONG)
    assert "double press" in trial.words
    press(trial, Gesture.BEGAN, Gesture.DOUBLE)
    assert "All three" in trial.words
    assert [trial.count(g) for g in (Gesture.SHORT, Gesture.LONG, Gesture.DOUBLE)] == [1, 1, 1]


def test_a_pedal_that_sends_whole_presses_is_told_to_know_no_release() -> None:
    trial = PedalTrial()
    press(trial, Gesture.SHORT, Gesture.SHORT)
    assert "no release" in trial.words
    assert trial.count(Gesture.SHORT) == 2


def test_a_choice_in_words() -> None:
    lines = dict(InstrumentChoice().lines())
    assert lines == {
        "Camera": "simulated slide", "Objective": "told by the camera", "Pedal": "keyboard, the space bar",
        "Eyepiece": "none",
    }  # fmt: skip
    chosen = InstrumentChoice("genicam:7", (), 0.25, "40x", "/dev/ttyUSB0", "byte", "HDMI-2")
    lines = dict(chosen.lines())
    assert lines["Objective"] == "40x, 0.25 µm per pixel"
    assert lines["Pedal"] == "/dev/ttyUSB0 (byte)"
    assert "HDMI-2" in lines["Eyepiece"]
    assert "nothing can be measured" in dict(InstrumentChoice("webcam:0").lines())["Objective"]

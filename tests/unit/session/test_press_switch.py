"""Presses go to whoever measures with the pedal, and none of them is torn in two."""

from __future__ import annotations

from armicro.contracts.devices import Gesture, PedalPress
from armicro.session.press_switch import PressSwitch


def test_presses_go_elsewhere_and_back() -> None:
    home: list[Gesture] = []
    away: list[Gesture] = []
    switch = PressSwitch(lambda p: home.append(p.gesture))
    switch(PedalPress(Gesture.SHORT, 1, "a"))
    back = switch.divert(lambda p: away.append(p.gesture))
    switch(PedalPress(Gesture.BEGAN, 2, "a"))
    switch(PedalPress(Gesture.SHORT, 2, "a"))
    back()
    switch(PedalPress(Gesture.LONG, 3, "a"))
    assert (home, away) == ([Gesture.SHORT, Gesture.LONG], [Gesture.BEGAN, Gesture.SHORT])


def test_the_end_of_a_press_goes_where_its_beginning_went() -> None:
    home: list[PedalPress] = []
    away: list[PedalPress] = []
    switch = PressSwitch(home.append)
    switch(PedalPress(Gesture.BEGAN, 1, "a"))
    back = switch.divert(away.append)
    switch(PedalPress(Gesture.BEGAN, 2, "b"))
    switch(PedalPress(Gesture.SHORT, 1, "a"))
    back()
    switch(PedalPress(Gesture.DOUBLE, 2, "b"))
    assert [p.source for p in home] == ["a", "a"]
    assert [p.source for p in away] == ["b", "b"]


def test_ending_an_older_diversion_leaves_the_newer_one() -> None:
    first: list[PedalPress] = []
    second: list[PedalPress] = []
    switch = PressSwitch(lambda _: None)
    end_first = switch.divert(first.append)
    switch.divert(second.append)
    end_first()
    switch(PedalPress(Gesture.SHORT, 1, "a"))
    assert (len(first), len(second)) == (0, 1)

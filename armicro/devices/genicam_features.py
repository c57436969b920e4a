"""A GenICam camera's features by name, where some are missing and any may fail."""

# ruff: noqa: ANN401 - the bindings of GenApi have no types

from __future__ import annotations

from typing import Any

from armicro.contracts.errors import DeviceError


class Features:
    """Reads and sets features; used by the thread that owns the camera.

    A missing feature reads as None and sets to False: cameras differ in what they have.

    Parameters
    ----------
    node_map : genicam.genapi.NodeMap
        The camera's.

    Raises
    ------
    DeviceError
        From each method, where the camera refuses. Errors of the line to the camera come as they are.
    """

    def __init__(self, node_map: Any) -> None:
        from genicam import genapi

        self._map = node_map
        self._refusals = (genapi.GenericException, genapi.LogicalErrorException)
        self._readable = (genapi.EAccessMode.RO, genapi.EAccessMode.RW)
        self._writable = (genapi.EAccessMode.RW, genapi.EAccessMode.WO)

    def number(self, name: str) -> float | None:
        """Return a number's value."""
        node = self._node(name, self._readable)
        return None if node is None else float(node.value)

    def limits(self, name: str) -> tuple[float, float] | None:
        """Return a number's least and greatest value."""
        node = self._node(name, self._readable)
        return None if node is None else (float(node.min), float(node.max))

    def text(self, name: str) -> str | None:
        """Return a text, or the name of what is chosen."""
        node = self._node(name, self._readable)
        return None if node is None else str(node.value)

    def choices(self, name: str) -> tuple[str, ...]:
        """Return what can be chosen."""
        node = self._node(name, self._readable)
        return () if node is None else tuple(map(str, node.symbolics))

    def set_number(self, name: str, value: float) -> bool:
        """Set a number, clipped to its limits now, to the nearest step below."""
        node = self._node(name, self._writable)
        if node is None:
            return False
        try:
            least, greatest = node.min, node.max
            clipped = min(max(value, least), greatest)
            if isinstance(least, int):
                step = max(1, int(node.inc))
                clipped = least + (int(clipped) - least) // step * step
            node.value = clipped
        except self._refusals as error:
            raise self._refused(name, value, error) from error
        return True

    def choose(self, name: str, value: str) -> bool:
        """Choose by name; false where there is no such choice."""
        node = self._node(name, self._writable)
        if node is None or value not in map(str, node.symbolics):
            return False
        try:
            node.value = value
        except self._refusals as error:
            raise self._refused(name, value, error) from error
        return True

    def switch(self, name: str, *, on: bool) -> bool:
        """Switch something on or off."""
        node = self._node(name, self._writable)
        if node is None:
            return False
        try:
            node.value = on
        except self._refusals as error:
            raise self._refused(name, on, error) from error
        return True

    def run(self, name: str) -> bool:
        """Have a command carried out."""
        node = self._node(name, self._writable)
        if node is None:
            return False
        try:
            node.execute()
        except self._refusals as error:
            raise self._refused(name, "now", error) from error
        return True

    def _node(self, name: str, modes: tuple[Any, ...]) -> Any:
        if not self._map.has_node(name):
            return None
        node = getattr(self._map, name)
        try:
            return node if node.get_access_mode() in modes else None
        except self._refusals:
            return None

    @staticmethod
    def _refused(name: str, value: object, error: Exception) -> DeviceError:
        why = str(error).partition(" : ")[0]
        return DeviceError(f"the camera refuses {name} = {value} ({why}): choose another value")

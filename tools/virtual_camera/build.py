"""Build the virtual camera's GenTL producer with the system's C compiler."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from armicro.contracts.errors import OutputError

NAME = "armicro_virtual.cti"
SOURCES = Path(__file__).parent / "producer"
_COMPILERS = ("cc", "gcc", "clang")
_FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden")
_TEXT = """  <StringReg Name="{0}"><Address>{1}</Address><Length>32</Length><AccessMode>RO</AccessMode>
    <pPort>Device</pPort></StringReg>"""
_U32 = """  <IntReg Name="{0}"><Address>{1}</Address><Length>4</Length><AccessMode>{2}</AccessMode>
    <pPort>Device</pPort><Cachable>{3}</Cachable><Sign>Unsigned</Sign><Endianess>LittleEndian</Endianess></IntReg>"""
_LOCKED = """  <Integer Name="{0}"><pIsLocked>TLParamsLocked</pIsLocked><pValue>{0}Reg</pValue><Min>{2}</Min>
    <pMax>{3}</pMax><Inc>{4}</Inc></Integer>
@U32 {0}Reg {1} RW WriteThrough@"""
_F64 = """  <Float Name="{0}"><pValue>{0}Reg</pValue><Min>{2}</Min><Max>{3}</Max><Unit>{4}</Unit></Float>
  <FloatReg Name="{0}Reg"><Address>{1}</Address><Length>8</Length><AccessMode>RW</AccessMode>
    <pPort>Device</pPort><Endianess>LittleEndian</Endianess></FloatReg>"""
_KINDS = {"TEXT": _TEXT, "U32": _U32, "LOCKED": _LOCKED, "F64": _F64}


def description() -> str:
    """Return the camera's GenApi description, its short forms (`@KIND arguments@`) written out."""
    text = (SOURCES / "description.xml").read_text(encoding="utf-8")
    short = re.compile(r"^@([A-Z0-9]+) ([^@]+)@$", re.MULTILINE)
    while short.search(text):
        text = short.sub(lambda found: _KINDS[found[1]].format(*found[2].split()), text)
    return text


def find_compiler() -> str | None:
    """Return a C compiler's path, None where there is none."""
    return next((found for name in _COMPILERS if (found := shutil.which(name))), None)


def build_producer(folder: Path) -> Path:
    """Compile the producer.

    Parameters
    ----------
    folder : Path
        Where to; made where it is missing.

    Returns
    -------
    Path
        The producer, `armicro_virtual.cti`.

    Raises
    ------
    OutputError
        If there is no compiler, or it fails.
    """
    compiler = find_compiler()
    if sys.platform == "win32" or compiler is None:
        raise OutputError(
            "there is no C compiler (cc, gcc or clang) for the virtual camera: install one, on Debian and "
            "Ubuntu with 'apt install gcc', on macOS with 'xcode-select --install'; Windows is not supported"
        )
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / NAME
    with tempfile.TemporaryDirectory() as scratch:
        xml = Path(scratch) / "description.c"
        content = description().encode()
        numbers = ",".join(map(str, content))
        xml.write_text(
            f'#include "camera.h"\nconst unsigned char description_xml[] = {{{numbers}}};\n'
            f"const size_t description_xml_size = {len(content)};\n",
            encoding="utf-8",
        )
        sources = [str(p) for p in sorted(SOURCES.glob("*.c"))]
        made = Path(scratch) / NAME
        command = [compiler, *_FLAGS, "-I", str(SOURCES), "-o", str(made), *sources, str(xml)]
        done = subprocess.run([*command, "-lpthread", "-lm"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise OutputError(f"the compiler {compiler} failed at the virtual camera:\n{done.stderr.strip()}")
        shutil.move(made, target)
    return target

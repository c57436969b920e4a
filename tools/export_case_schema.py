"""Write the JSON Schema of a case document to `tools/docs/schema`.

Run it after a change to `armicro.report.models`; a test fails until the exported copy is current.
"""

from __future__ import annotations

import json
from pathlib import Path

from armicro.report.case_json import json_schema

TARGET = Path(__file__).parent / "docs" / "schema" / "armicro.case-1.schema.json"


def main() -> None:
    """Write the schema and tell where."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n"
    TARGET.write_text(text, encoding="utf-8", newline="\n")
    print(f"wrote {TARGET}")


if __name__ == "__main__":
    main()

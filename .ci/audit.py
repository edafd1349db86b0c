"""Asks whether a locked dependency has a known vulnerability. Ends with 1 when one has, and never calls "not asked" a pass.

pip-audit takes a package that the service does not know for a harmless one: where a mirror without vulnerability data stands in
for PyPI, everything passes. So a version with well-known holes is asked about first. If nothing is known of it, nobody can be
asked here: that is said, and only with MARCADO_AUDIT=required is it a failure.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_VULNERABLE = "jinja2==2.4.1"
_LOCK = Path(__file__).parents[1] / "requirements.lock"


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        known_bad = Path(folder, "known-bad.txt")
        known_bad.write_text(_VULNERABLE + "\n")
        if not any(one.get("vulns") for one in ask(known_bad)):
            print(f"pip-audit: NOT AUDITED. The vulnerability service does not answer here ({_VULNERABLE} passes as harmless).")
            return 1 if os.environ.get("MARCADO_AUDIT") == "required" else 0
    found = ask(_LOCK)
    holes = [(one["name"], one["version"], hole["id"]) for one in found for hole in one.get("vulns", [])]
    unknown = [one["name"] for one in found if "skip_reason" in one]
    for name, version, number in holes:
        print(f"pip-audit: {name} {version}: {number}")
    if unknown:
        print(f"pip-audit: not known to the service: {', '.join(unknown)}")
    print(f"pip-audit: {len(found) - len(unknown)} of {len(found)} locked packages audited, {len(holes)} vulnerabilities")
    return 1 if holes or unknown or not found else 0


def ask(requirements: Path) -> list[dict[str, Any]]:
    """What pip-audit says of each package; nothing when it can't say."""
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--requirement",
        str(requirements),
        "--no-deps",
        "--disable-pip",
        "--format",
        "json",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603 (our own arguments)
        answer = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return []
    return list(answer.get("dependencies", []))


if __name__ == "__main__":
    sys.exit(main())

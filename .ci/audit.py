"""Ask whether a known vulnerability is in what we depend on; say aloud where that could not be asked.

In: the path of pip-audit and a lock file. Out: status 1 and a line for each vulnerability, else 0 and one line. pip-audit
itself calls a run clean in which it found nothing about any package, as behind a mirror without its database.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

LIMIT_S = 180


def main(pip_audit: str, lock: str) -> int:
    """Audit one lock file."""
    options = ["--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    try:
        done = subprocess.run(
            [pip_audit, "--requirement", lock, *options, "--timeout", "10"],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return _skipped(lock, f"pip-audit did not run to its end: {type(error).__name__}")
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        return _skipped(lock, f"pip-audit gave no answer: {said[-1][:200]}")
    return _told(lock, packages)


def _told(lock: str, packages: list[dict[str, Any]]) -> int:
    unknown = [each["name"] for each in packages if "vulns" not in each]
    if len(unknown) == len(packages):
        return _skipped(lock, "the database that pip-audit asks cannot be reached from here")
    bad = [(each, one) for each in packages for one in each.get("vulns", ())]
    for package, one in bad:
        fixed = ", ".join(one.get("fix_versions", ())) or "no release yet"
        print(f"audit: {package['name']} {package['version']} has {one['id']}; fixed in: {fixed}")
    if unknown:
        print(f"audit: {len(unknown)} packages could not be audited: {', '.join(unknown)}")
    print(
        f"audit: {len(packages) - len(unknown)} of {len(packages)} packages of {lock} audited,"
        f" {len(bad)} known vulnerabilities"
    )
    return 1 if bad else 0


def _skipped(lock: str, why: str) -> int:
    print(f"audit: SKIPPED, nothing of {lock} was audited: {why}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

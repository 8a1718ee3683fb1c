#!/usr/bin/env python3
"""Usage: scripts/test_times.py BUILD_FOLDER [--budgets FILE]

What the tests of the last run took, label by label, beside the budgets of property_tests/budgets.json, and the slowest ones. A test's seconds are those of the wall
clock, summed over the tests of a label; two run at once. A label over its budget gets a line that starts with OVER BUDGET; the exit code stays 0, since a busy
machine is no failure. The nightly tests have no budget.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

SLOWEST = 10
ROOT = Path(__file__).resolve().parent.parent


def labels_of(folder: Path) -> dict[str, str]:
    """The label of every test that ctest knows."""
    listed = subprocess.run(["ctest", "--test-dir", folder, "--show-only=json-v1"], capture_output=True, text=True, check=True).stdout
    labels = {}
    for test in json.loads(listed)["tests"]:
        values = [p["value"] for p in test.get("properties", []) if p["name"] == "LABELS"]
        labels[test["name"]] = ",".join(values[0]) if values else "none"
    return labels


def seconds_of(junit: Path) -> dict[str, float]:
    return {case.get("name", ""): float(case.get("time") or 0.0) for case in ElementTree.parse(junit).iter("testcase")}


def table(seconds: dict[str, float], labels: dict[str, str], budgets: dict[str, float]) -> list[str]:
    """The lines: labels, those over budget, the slowest tests."""
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    for name, spent in seconds.items():
        label = labels.get(name, "none")
        sums[label] = sums.get(label, 0.0) + spent
        counts[label] = counts.get(label, 0) + 1
    lines = [f"{'label':12} {'tests':>6} {'seconds':>8} {'budget':>7}"]
    for label in sorted(sums, key=lambda each: -sums[each]):
        budget = f"{budgets[label]:.0f}" if label in budgets else "-"
        lines.append(f"{label:12} {counts[label]:6} {sums[label]:8.0f} {budget:>7}")
    lines.append(f"{'all':12} {len(seconds):6} {sum(sums.values()):8.0f} {sum(budgets.get(label, 0.0) for label in sums):7.0f}")
    for label, spent in sums.items():
        if label in budgets and spent > budgets[label]:
            lines.append(f"OVER BUDGET: the tests with the label {label} took {spent:.0f} s, {budgets[label]:.0f} are allowed (property_tests/budgets.json)")
        if label not in budgets and label != "nightly":
            lines.append(f"NO BUDGET: the label {label} has none in property_tests/budgets.json")
    lines.append("The slowest:")
    for name in sorted(seconds, key=lambda each: -seconds[each])[:SLOWEST]:
        lines.append(f"{seconds[name]:8.1f} s  {name}")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--budgets", type=Path, default=ROOT / "property_tests" / "budgets.json")
    arguments = parser.parse_args()
    junit = arguments.folder / "junit.xml"
    if not junit.exists():
        print(f"{junit} does not exist: no tests were run", file=sys.stderr)
        return 2
    print("\n".join(table(seconds_of(junit), labels_of(arguments.folder), json.loads(arguments.budgets.read_text()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""All benchmarks by one command: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import machine
from benchmarks.cases import Case, Row, cost_queries, map_rows, statistics_rows, tree_rows
from benchmarks.machine import Usage

README = Path(__file__).with_name("README.md")
MARKS = ("<!-- figures -->", "<!-- end of figures -->")
AIM_RATIO, AIM_S, AIM_GB = 50.0, 40.0, 1.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparisons, print the figures; return 1 where a target is missed."""
    options = _parser().parse_args(arguments)
    machine.two_cores()
    loads: dict[str, float] = {}
    repeats = 1 if options.quick else 3
    _begin("whole run", loads)
    run = machine.whole_run(options.python, repeats)
    _begin("cost queries", loads)
    case = Case.packaged()
    rows = cost_queries(
        case,
        origins=60 if options.quick else None,
        checkpoints=None if options.full else 4 if options.quick else 6,
        repeats=repeats,
    )
    together = next(r for r in rows if r.what == "all cost queries together")
    _begin("trees", loads)
    rows += tree_rows(case, repeats, 30 if options.quick else 100)
    _begin("statistics", loads)
    rows += statistics_rows(case, repeats)
    _begin("map", loads)
    rows += map_rows(case, repeats)
    how = "a quick run" if options.quick else "a full run: nothing but the careful analyst is estimated"
    how = how if options.quick or options.full else "a run that computes six closures and estimates the rest"
    lines = [*_table(rows), "", *_run_table(*run), "", *_verdicts(together, run[0]), ""]
    lines += [f"From {how}.", *(f"{line}." for line in machine.describe(loads))]
    text = "\n".join(lines)
    print(text)
    if options.write:
        _write(README, text)
    cold = run[0]
    return int(together.ratio < AIM_RATIO or cold.wall_s > AIM_S or cold.peak_gb > AIM_GB)


def _begin(part: str, loads: dict[str, float]) -> None:
    """Note the load before a part; say so where the machine is busy with other things."""
    loads[part] = machine.load()
    busy = f" (busy: load {loads[part]:.2f}, the figures will be poor)" if loads[part] > machine.BUSY else ""
    print(f"{part}{busy} …", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--quick", action="store_true", help="sample origins and closures of the baseline, no medians")
    amount.add_argument("--full", action="store_true", help="let the baseline compute every closure, too")
    parser.add_argument("--python", help="interpreter with borderlink installed for the whole run; else this one")
    parser.add_argument("--write", action="store_true", help="put the figures into benchmarks/README.md")
    return parser


def _table(rows: Sequence[Row]) -> list[str]:
    """Return the comparisons as a table in Markdown."""
    out = [
        "| what, CPU seconds unless said | borderlink | analyst's script | ratio | baseline |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        known = row.theirs == row.theirs
        theirs, ratio = (_figure(row.theirs, row.unit), f"{row.ratio:.3g}×") if known else ("–", "–")
        about = "≈ " if "estimated" in row.note else ""
        ours = _figure(row.ours, row.unit)
        out.append(f"| {row.what} | {ours} | {about}{theirs} | {about}{ratio} | {row.note} |")
    return out


def _figure(value: float, unit: str) -> str:
    """Return a number with three digits and its unit."""
    digits = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{digits} {unit}"


def _run_table(cold: Usage, warm: Usage) -> list[str]:
    """Return the whole run as a table in Markdown."""
    out = ["| `borderlink run`, packaged study | wall s | CPU s | peak GB |", "|---|---|---|---|"]
    names = ("cold: no bytecode of any module, no font cache", "warm: the same again")
    return out + [
        f"| {name} | {u.wall_s:.1f} | {u.cpu_s:.1f} | {u.peak_gb:.2f} |"
        for name, u in zip(names, (cold, warm), strict=True)
    ]


def _verdicts(together: Row, cold: Usage) -> list[str]:
    """Return a line on each target."""
    return [
        f"- All cost queries together at least {AIM_RATIO:g}× faster: {_met(together.ratio >= AIM_RATIO)}, "
        f"{together.ratio:.3g}×",
        f"- The whole run, cold, under {AIM_S:g} s: {_met(cold.wall_s < AIM_S)}, {cold.wall_s:.1f} s",
        f"- The whole run under {AIM_GB:g} GB: {_met(cold.peak_gb < AIM_GB)}, {cold.peak_gb:.2f} GB",
    ]


def _met(yes: bool) -> str:
    """Return a word for a target."""
    return "met" if yes else "MISSED"


def _write(path: Path, text: str) -> None:
    """Replace what stands between the two marks."""
    page = path.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(MARKS[0])}.*{re.escape(MARKS[1])}", re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"{path.name} lacks the marks {' and '.join(MARKS)}")
    path.write_text(pattern.sub(lambda _: f"{MARKS[0]}\n{text}\n{MARKS[1]}", page), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

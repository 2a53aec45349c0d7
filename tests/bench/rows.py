"""One line of the table: what was measured, beside what, and what was wished for.

    Row("client CPU a sample, 10 connections", ours, "µs", "bare loop", floor, at_most(1.3))      a ratio
    Row("binary, stripped", 612, "KB", goal=below(500))                                          by itself
    Row("requests a month", 43800, "")                                                           only told
"""
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Goal:
    """Of the ratio where there is something beside, else of the figure itself."""
    text: str
    most: float


def at_most(number, text=None):
    return Goal(text or f"≤ {number:g}", number)


@dataclass
class Row:
    what: str
    ours: float
    unit: str = ""
    beside: str = ""
    other: float = None
    goal: Goal = None
    note: str = ""

    @property
    def ratio(self):
        return self.ours / self.other if self.other else None

    @property
    def met(self):
        judged = self.ours if self.other is None else self.ratio
        return None if self.goal is None or judged is None else judged <= self.goal.most

    def as_json(self, topic):
        return {"topic": topic, **asdict(self), "goal": self.goal.text if self.goal else None, "ratio": self.ratio,
                "met": self.met}


def number(value):
    """Three digits that matter."""
    if value is None:
        return ""
    if value != 0 and abs(value) < 100:
        return f"{value:.3g}"
    return f"{value:,.0f}"


def _cells(row):
    verdict = {True: "met", False: "MISSED", None: ""}[row.met]
    return (row.what, f"{number(row.ours)} {row.unit}".strip(),
            f"{number(row.other)} {row.unit} {row.beside}".strip() if row.other is not None else row.beside,
            f"{row.ratio:.2f}" if row.ratio is not None else "", row.goal.text if row.goal else "", verdict, row.note)


HEAD = ("", "poolwarden", "beside", "ratio", "goal", "", "")


def print_table(results):
    """results: {topic: [Row]}."""
    lines = {topic: [_cells(row) for row in rows] for topic, rows in results.items()}
    widths = [max(len(cells[i]) for cells in [HEAD, *sum(lines.values(), [])]) for i in range(len(HEAD))]

    def put(cells):
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip())
    put(HEAD)
    for topic, rows in lines.items():
        print(f"\n{topic}")
        for cells in rows:
            put(cells)


def write_json(path, machine, results):
    rows = [row.as_json(topic) for topic, rows in results.items() for row in rows]
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"machine": machine, "rows": rows}, file, indent=1, ensure_ascii=False)
        file.write("\n")

"""What was measured, as tables: every figure as its median with the smallest and the largest of all
repetitions, and every ratio made within a repetition, because machines drift."""

import statistics


class Samples:
    """For each scenario and subject one dictionary of figures per repetition."""

    def __init__(self):
        self.of = {}

    def add(self, scenario, subject, figures):
        self.of.setdefault(scenario, {}).setdefault(subject, []).append(figures)

    def values(self, scenario, subject, figure):
        rows = self.of.get(scenario, {}).get(subject, [])
        return [row[figure] for row in rows if figure in row]

    def pairs(self, scenario, subject, base, figure):
        return zip(self.values(scenario, subject, figure), self.values(scenario, base, figure))

    def ratios(self, scenario, subject, base, figure):
        pairs = self.pairs(scenario, subject, base, figure)
        return [ours / theirs for ours, theirs in pairs if theirs]

    def differences(self, scenario, subject, base, figure):
        return [ours - theirs for ours, theirs in self.pairs(scenario, subject, base, figure)]


def number(value):
    if value >= 1000:
        return f"{value:.0f}"
    return f"{value:.3g}"


def spread(values):
    if not values:
        return "-"
    low, middle, high = min(values), statistics.median(values), max(values)
    if len(values) == 1 or low == high:
        return number(middle)
    return f"{number(middle)} ({number(low)}–{number(high)})"


def table(head, rows):
    """Markdown that is also readable as it is."""
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).ljust(width) for cell, width in zip(line, widths)) + " |"
        for line in lines
    )


def goal_row(goal, samples):
    values = goal.measured(samples)
    if not values:
        return [goal.what, "not measured", goal.text(), ""]
    reached = goal.is_reached(statistics.median(values))
    return [goal.what, spread(values), goal.text(), "yes" if reached else "NO"]


def goals_table(goals, samples):
    head = ["what", "measured", "goal", "reached"]
    return table(head, [goal_row(goal, samples) for goal in goals])


def scenario_table(samples, scenarios, columns, base):
    """One row for each subject of each scenario. `columns`: figure → heading; `base` is the subject
    that the ratios of CPU are made with."""
    head = ["scenario", "who", *columns.values(), f"CPU ÷ {base}"]
    rows = []
    for scenario in scenarios:
        for subject in samples.of.get(scenario, {}):
            figures = [spread(samples.values(scenario, subject, figure)) for figure in columns]
            ratio = spread(samples.ratios(scenario, subject, base, "cpu_us"))
            rows.append([scenario, subject, *figures, ratio])
    return table(head, rows)

"""Figures as text that Prometheus and its kin read (text format 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from bmaddb.monitor.histogram import Histogram
from bmaddb.monitor.report import MonitorReport

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
QUANTILES: Final = (0.5, 0.95, 0.99)
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(frozen=True, slots=True)
class Sample:
    """One value, with what distinguishes it; `suffix` is `_sum` or `_count` of a summary."""

    value: float
    labels: Mapping[str, str]
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """All values of one name; names end in their unit."""

    name: str
    kind: Literal["counter", "gauge", "summary"]
    help: str
    samples: Iterable[Sample]


def text_of(families: Iterable[Family]) -> str:
    """The whole page."""
    lines: list[str] = []
    for family in families:
        lines += [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.kind}"]
        lines += [f"{family.name}{sample.suffix}{_labels(sample.labels)} {sample.value!r}" for sample in family.samples]
    return "".join(f"{line}\n" for line in lines)


def summary(times: Histogram, labels: Mapping[str, str]) -> list[Sample]:
    """A histogram of microseconds as quantiles in seconds, their sum and their number."""
    return [
        *(Sample(times.quantile_us(share) / 1e6, {**labels, "quantile": str(share)}) for share in QUANTILES),
        Sample(times.total_us / 1e6, labels, "_sum"),
        Sample(times.count, labels, "_count"),
    ]


def of_device(report: MonitorReport) -> str:
    """What a device's monitor saw, for an application that has such a page. No values are in it."""
    shapes, operations = report.shapes, report.operations
    return text_of(
        [
            Family(
                "bmaddb_statements_total",
                "counter",
                "Runs of statements, by shape.",
                [Sample(one.calls, {"shape": one.shape}) for one in shapes],
            ),
            Family(
                "bmaddb_statement_seconds_total",
                "counter",
                "About how long they took together, by shape.",
                [Sample(one.time_us / 1e6, {"shape": one.shape}) for one in shapes],
            ),
            Family(
                "bmaddb_operations_total",
                "counter",
                "Operations that ended, by name and result.",
                [
                    Sample(count, {"name": one.name, "result": result})
                    for one in operations
                    for result, count in (("ok", one.count - one.failed), ("failed", one.failed))
                ],
            ),
            Family(
                "bmaddb_commits_total",
                "counter",
                "Transactions that became durable, by where they came from.",
                [Sample(count, {"origin": origin}) for origin, count in sorted(report.commits.items())],
            ),
            Family("bmaddb_alarms", "gauge", "Thresholds that are crossed now.", [Sample(len(report.alarms), {})]),
        ]
    )


def _labels(labels: Mapping[str, str]) -> str:
    told = ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items())
    return f"{{{told}}}" if told else ""

"""What makes reports, with its adapters. Importing it takes what writes files."""

from analytics.querying.service import Answers
from analytics.reports.planning import ReportPlanner
from analytics.reports.running import ReportRunner
from analytics.reports.wiring import announcements, files, reports, runs
from analytics.reports.writing import FileWriter
from analytics.rollups import wiring as rollups
from llmo_core.clock import SystemClock


def report_planner() -> ReportPlanner:
    """Plans what is due."""
    return ReportPlanner(reports=reports(), runs=runs(), announcements=announcements(), clock=SystemClock())


def report_runner() -> ReportRunner:
    """Runs reports."""
    return ReportRunner(
        reports=reports(),
        runs=runs(),
        answers=Answers(reading=rollups.reading()),
        writer=FileWriter(),
        files=files(),
        announcements=announcements(),
        clock=SystemClock(),
    )

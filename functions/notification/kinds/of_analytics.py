"""What people are told of their figures."""

from typing import Final

from notification.kinds.models import Category
from notification.kinds.writing import MAIL_AND_INBOX, SOON, kind

OF_ANALYTICS: Final = (
    kind(
        "anomaly_detected",
        Category.OPERATIONS,
        MAIL_AND_INBOX,
        "An hour was not what such hours are.",
        hour=SOON,
        metric="error_rate",
        direction="above",
        value="12.5",
        expected="1.2",
        weeks=6,
    ),
    kind(
        "report_ready",
        Category.REPORTS,
        MAIL_AND_INBOX,
        "A report can be downloaded.",
        report_id="01980a5e-7c00-7000-8000-000000000901",
        report_name="Monthly spend",
        url="/reports/1",
        expires_at=SOON,
    ),
    kind(
        "report_failed",
        Category.REPORTS,
        MAIL_AND_INBOX,
        "A report could not be made.",
        report_id="01980a5e-7c00-7000-8000-000000000901",
        report_name="Monthly spend",
    ),
)

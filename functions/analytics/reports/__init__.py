"""Custom reports: saved questions, answered on demand or on a schedule, as files and charts."""

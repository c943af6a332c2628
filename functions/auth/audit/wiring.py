"""The use cases of the audit log with their adapters."""

from auth import wiring as shared
from auth.audit.repository import PostgresAuditLog
from auth.audit.service import AuditService


async def audit_service() -> AuditService:
    """The use cases of the audit log."""
    return AuditService(PostgresAuditLog(shared.database()))

"""Issue credit notes."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from billing.credit_notes.computing import allocated, credited_lines
from billing.credit_notes.events import CreditNoteIssued
from billing.credit_notes.models import (
    Allocation,
    CreditNote,
    NotCreditable,
    NoteLine,
    NoteWanted,
    note_number,
)
from billing.credit_notes.paying_back import Paid, PayingBack
from billing.credit_notes.ports import CreditNotes, Credits, Deducting, Invoices, Ledger
from billing.fields import MinorUnits
from billing.invoices.models import Invoice, InvoiceStatus, UnknownInvoice
from billing.ledger import bookings
from billing.ledger.bookings import Account, Entry
from billing.models import request_digest
from billing.payments.errors import RequestKeyReused
from billing.wallets.credits import NewGrant
from billing.wallets.models import Source
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import Events, Transaction


class Computed(NamedTuple):
    """What a note would say, and what would become of its total."""

    invoice: Invoice
    lines: Sequence[NoteLine]
    total: MinorUnits
    allocation: Allocation


class IssuingService:
    """Issues credit notes."""

    def __init__(
        self,
        *,
        notes: CreditNotes,
        invoices: Invoices,
        deducting: Deducting,
        paying_back: PayingBack,
        credits_: Credits,
        ledger: Ledger,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._notes = notes
        self._invoices = invoices
        self._deducting = deducting
        self._paying_back = paying_back
        self._credits = credits_
        self._ledger = ledger
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def preview(self, org_id: UUID, invoice_id: UUID, wanted: NoteWanted) -> Computed:
        """What a note would say now. Nothing is kept. Raises what `issue` raises, but RequestKeyReused."""
        async with self._transaction(org_id):
            paid = await self._paying_back.locked(org_id, invoice_id)
            invoice = await self._locked(org_id, invoice_id)
            return _computed(invoice, await self._notes.of_invoice(org_id, invoice_id), wanted, paid)

    async def issue(
        self,
        org_id: UUID,
        invoice_id: UUID,
        wanted: NoteWanted,
        *,
        created_by: UUID | None = None,
        request_key: str | None = None,
    ) -> CreditNote:
        """Credit something of a finalized invoice, for good, and let become of it what has to.

        What was still to be paid is not any more. The rest is given back, as credit or money, which Stripe is asked for
        once this is committed: money that it does not give back becomes credit. Numbers have no gaps: see
        billing.invoices.finalizing. Safe to retry with the same `request_key`, the first note of which is answered.

        Raises UnknownInvoice, NotCreditable, UnknownLine, NotCreditableAmount, NothingToCredit, CreditTooLarge,
        RequestKeyReused, PaymentsNotConfigured.
        """
        key = request_digest(created_by, request_key) if request_key is not None else None
        asked = hashlib.sha256(wanted.model_dump_json().encode()).hexdigest()
        async with self._transaction(org_id):
            paid = await self._paying_back.locked(org_id, invoice_id)
            invoice = await self._locked(org_id, invoice_id)
            notes = await self._notes.of_invoice(org_id, invoice_id)
            repeated = next((note for note in notes if key is not None and note.request_key == key), None)
            if repeated is not None:
                if repeated.request_hash != asked:
                    raise RequestKeyReused
                return repeated
            computed = _computed(invoice, notes, wanted, paid)
            refunded = computed.allocation.refunded
            sequence = await self._notes.next_sequence(org_id)
            note = CreditNote(
                id=self._new_id(),
                org_id=org_id,
                invoice_id=invoice_id,
                sequence=sequence,
                number=note_number(org_id, sequence),
                currency=invoice.currency,
                **wanted.model_dump(include={"reason", "memo", "outcome"}),
                lines=tuple(computed.lines),
                total=computed.total,
                allocation=computed.allocation,
                refund_id=await self._paying_back.give_back(paid, refunded, wanted.reason, created_by=created_by)
                if refunded
                else None,
                issuer=invoice.issuer,
                customer=invoice.customer,
                request_key=key,
                request_hash=asked,
                created_by=created_by,
                issued_at=self._clock.now(),
            )
            await self._notes.add(note)
            await self._settle(invoice, note, note.issued_at)
        return note

    async def _settle(self, invoice: Invoice, note: CreditNote, now: datetime) -> None:
        org_id, given = note.org_id, note.allocation
        booking = bookings.credited(
            note.id,
            invoice.id,
            net=note.subtotal,
            taxes=note.total - note.subtotal,
            back=given.returned + given.refunded,
            currency=note.currency,
        )
        await self._ledger.book(org_id, booking, at=now)
        shown = {f"amount_{name}": getattr(given, name) for name in ("deducted", "returned", "refunded", "granted")}
        issued = CreditNoteIssued(
            credit_note_id=note.id,
            invoice_id=invoice.id,
            number=note.number,
            currency=note.currency,
            total=note.total,
            refund_id=note.refund_id,
            **shown,
        )
        await self._events.announce(issued, org_id=org_id, aggregate_id=note.id)
        await self._grant(invoice, note)  # wallets first, as whoever settles invoices locks them
        await self._deducting.deduct(org_id, invoice, credited=note.total, deducted=given.deducted, note_id=note.id)

    async def _grant(self, invoice: Invoice, note: CreditNote) -> None:
        given = note.allocation
        if not given.granted:
            return
        taken = {UUID(credit.id): credit.amount for credit in given.restored}
        new = [*await self._credits.back_of(note.org_id, taken, reference=note.id)]
        if given.by_money:
            new.append(NewGrant(id=self._new_id(), source=Source.CREDIT_NOTE, reference=note.id, amount=given.by_money))
        owed = Entry(account=Account.RECEIVABLE, subject=invoice.id, amount=given.granted)
        booking = bookings.returned(note.id, owed, {grant.id: grant.amount for grant in new}, note.currency)
        await self._credits.grant_all(note.org_id, note.currency, new, booking)

    async def _locked(self, org_id: UUID, invoice_id: UUID) -> Invoice:
        invoice = await self._invoices.locked(org_id, invoice_id)
        if invoice is None or invoice.status is InvoiceStatus.DRAFT:
            raise UnknownInvoice
        return invoice


def _computed(invoice: Invoice, notes: Sequence[CreditNote], wanted: NoteWanted, paid: Paid) -> Computed:
    if invoice.status is InvoiceStatus.VOID:
        raise NotCreditable
    lines = credited_lines(invoice, notes, wanted)
    total = sum(line.gross for line in lines)
    allocation = allocated(total, invoice, notes, gone=paid.gone, refundable=paid.refundable, outcome=wanted.outcome)
    return Computed(invoice, lines, total, allocation)

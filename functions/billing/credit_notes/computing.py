"""What a credit note says, and what becomes of its total: pure."""

from collections.abc import Sequence

from billing.credit_notes.models import (
    Allocation,
    CreditNote,
    CreditTooLarge,
    LineWanted,
    NotCreditableAmount,
    NoteLine,
    NoteWanted,
    NothingToCredit,
    Outcome,
    UnknownLine,
)
from billing.exact import nearest
from billing.fields import MinorUnits
from billing.invoices.models import Invoice
from billing.invoicing.computing import AppliedCredit, Line
from billing.taxes import TaxAmount
from llmo_core.currencies import Currency


def credited_lines(invoice: Invoice, notes: Sequence[CreditNote], wanted: NoteWanted) -> tuple[NoteLine, ...]:
    """The lines of a note that comes after these, with the share of each tax that the invoice's lines had.

    A share is rounded as taxes are, half to even, and never more than is left of the tax; whoever credits the rest of a
    line credits the rest of its taxes. Raises UnknownLine, NotCreditableAmount, NothingToCredit, CreditTooLarge.
    """
    said = invoice.breakdown.lines
    asked = wanted.lines if wanted.lines is not None else [LineWanted(line=number) for number in range(len(said))]
    if any(each.line >= len(said) for each in asked):
        raise UnknownLine
    left = [_left(line, number, notes) for number, line in enumerate(said)]
    credited = tuple(
        _credited(each, said[each.line], left[each.line], invoice.currency)
        for each in asked
        if wanted.lines is not None or left[each.line].gross
    )
    total = sum(line.gross for line in credited)
    if not credited or total <= 0:
        raise NothingToCredit
    if total > invoice.breakdown.total - sum(note.total for note in notes):
        raise CreditTooLarge
    return credited


def _left(line: Line, number: int, notes: Sequence[CreditNote]) -> NoteLine:
    """What no note has credited of a line."""
    before = [each for note in notes for each in note.lines if each.line == number]
    taxes = tuple(
        tax.model_copy(update={"amount": tax.amount - sum(each.taxes[position].amount for each in before)})
        for position, tax in enumerate(line.taxes)
    )
    return _line(line, number, line.net - sum(each.net for each in before), taxes, "")


def _credited(wanted: LineWanted, line: Line, left: NoteLine, currency: Currency) -> NoteLine:
    if wanted.amount is None or wanted.amount == left.net:
        if not left.net and not left.gross:
            raise NothingToCredit
        return left.model_copy(update={"description": wanted.description or line.name})
    if wanted.amount % currency.increment or line.net < 0:
        raise NotCreditableAmount
    if wanted.amount > left.net:
        raise CreditTooLarge
    taxes = tuple(
        rest.model_copy(
            update={"amount": min(nearest(tax.amount * wanted.amount, line.net, currency), rest.amount)},
        )
        for tax, rest in zip(line.taxes, left.taxes, strict=True)
    )
    return _line(line, wanted.line, wanted.amount, taxes, wanted.description or line.name)


def _line(line: Line, number: int, net: MinorUnits, taxes: tuple[TaxAmount, ...], description: str) -> NoteLine:
    gross = net + sum(tax.amount for tax in taxes)
    shown = {"code": line.code, "name": line.name, "description": description}
    return NoteLine(line=number, net=net, taxes=taxes, gross=gross, **shown)


def allocated(
    total: MinorUnits,
    invoice: Invoice,
    notes: Sequence[CreditNote],
    *,
    gone: MinorUnits,
    refundable: MinorUnits,
    outcome: Outcome,
) -> Allocation:
    """What becomes of the total of a note that comes after these.

    First it lessens what is still to be paid. The rest was paid, by money before by credit, so that credit which was
    given away is the last to be given back. Of the money, what is `gone` already for nothing is accounted for first, so
    that nothing is given back twice; the rest goes back as is wanted, as money no more than is `refundable`.
    """
    deducted = min(total, invoice.remaining)
    rest = total - deducted
    money = min(rest, unaccounted(invoice, notes))
    returned = min(money, gone)
    refunded = min(money - returned, refundable) if outcome is Outcome.REFUND else 0
    return Allocation(
        deducted=deducted,
        returned=returned,
        refunded=refunded,
        granted=rest - returned - refunded,
        restored=_restored(invoice, notes, rest - money),
    )


def unaccounted(invoice: Invoice, notes: Sequence[CreditNote]) -> MinorUnits:
    """The money that came for an invoice, and that no note says anything of."""
    said = [note.allocation for note in notes]
    return max(invoice.amount_paid - sum(each.returned + each.refunded + each.by_money for each in said), 0)


def _restored(invoice: Invoice, notes: Sequence[CreditNote], amount: MinorUnits) -> tuple[AppliedCredit, ...]:
    """So much of the credit that an invoice took, what it took last first, less what was given back before."""
    before: dict[str, MinorUnits] = {}
    for each in (credit for note in notes for credit in note.allocation.restored):
        before[each.id] = before.get(each.id, 0) + each.amount
    restored = []
    for credit in reversed(invoice.breakdown.credits):
        if back := min(credit.amount - before.get(credit.id, 0), amount):
            restored.append(AppliedCredit(id=credit.id, amount=back))
            amount -= back
    return tuple(restored)

"""How tax ids are written. Types are named as Stripe's: https://docs.stripe.com/billing/customer/tax-ids."""

import re
from enum import StrEnum
from types import MappingProxyType
from typing import Final

_BETWEEN_DIGITS: Final = re.compile(r"[\s./-]")

# https://europa.eu/youreurope/business/taxation/vat/check-vat-number-vies/ and its questions and answers, number 11
_EU_VAT: Final = (
    r"ATU\d{8}|BE[01]\d{9}|BG\d{9,10}|CY\d{8}[A-Z]|CZ\d{8,10}|DE\d{9}|DK\d{8}|EE\d{9}|EL\d{9}|ES[A-Z0-9]\d{7}[A-Z0-9]"
    r"|FI\d{8}|FR[A-HJ-NP-Z0-9]{2}\d{9}|HR\d{11}|HU\d{8}|IE\d[A-Z0-9+*]\d{5}[A-Z]{1,2}|IT\d{11}|LT(\d{9}|\d{12})"
    r"|LU\d{8}|LV\d{11}|MT\d{8}|NL[A-Z0-9+*]{12}|PL\d{10}|PT\d{9}|RO\d{2,10}|SE\d{12}|SI\d{8}|SK\d{10}|XI(\d{9}|\d{12})"
)


class TaxIdType(StrEnum):
    """What kind of number it is."""

    AU_ABN = "au_abn"
    BR_CNPJ = "br_cnpj"
    CA_GST_HST = "ca_gst_hst"
    CH_VAT = "ch_vat"
    EU_VAT = "eu_vat"
    GB_VAT = "gb_vat"
    IN_GST = "in_gst"
    JP_TRN = "jp_trn"
    MX_RFC = "mx_rfc"
    NO_VAT = "no_vat"
    NZ_GST = "nz_gst"
    SG_GST = "sg_gst"
    US_EIN = "us_ein"
    ZA_VAT = "za_vat"


_FORMATS: Final = MappingProxyType(
    {
        TaxIdType.AU_ABN: re.compile(r"\d{11}", re.ASCII),
        TaxIdType.BR_CNPJ: re.compile(r"[0-9A-Z]{12}\d{2}", re.ASCII),
        TaxIdType.CA_GST_HST: re.compile(r"\d{9}RT\d{4}", re.ASCII),
        TaxIdType.CH_VAT: re.compile(r"CHE\d{9}(MWST|TVA|IVA)", re.ASCII),
        TaxIdType.EU_VAT: re.compile(_EU_VAT, re.ASCII),
        TaxIdType.GB_VAT: re.compile(r"GB(\d{9}|\d{12})", re.ASCII),
        TaxIdType.IN_GST: re.compile(r"\d{2}[A-Z]{5}\d{4}[A-Z][1-9A-Z]Z[0-9A-Z]", re.ASCII),
        TaxIdType.JP_TRN: re.compile(r"T\d{13}", re.ASCII),
        TaxIdType.MX_RFC: re.compile(r"[A-ZÑ&]{3,4}\d{6}[A-Z0-9]{3}", re.ASCII),
        TaxIdType.NO_VAT: re.compile(r"\d{9}MVA", re.ASCII),
        TaxIdType.NZ_GST: re.compile(r"\d{8,9}", re.ASCII),
        TaxIdType.SG_GST: re.compile(r"[0-9A-Z]{9,10}", re.ASCII),
        TaxIdType.US_EIN: re.compile(r"\d{9}", re.ASCII),
        TaxIdType.ZA_VAT: re.compile(r"4\d{9}", re.ASCII),
    }
)


def compact(kind: TaxIdType, text: str) -> str:
    """The number without what people write between its digits, in capitals. Raises ValueError for what is none."""
    number = _BETWEEN_DIGITS.sub("", text).upper()
    if _FORMATS[kind].fullmatch(number) is None:
        raise ValueError(f"this is not written as a number of the type `{kind}` is")
    return number

"""What the parts of an ODM file are called: the same in every export."""

from services.api.signatures.rules import SignatureMeaning

SERVICE = "USR.SERVICE"
"""The service itself, which derives outcomes."""


def study(nct_id: str) -> str:
    return f"S.{nct_id}"


def metadata(version: str) -> str:
    return f"MDV.{version}"


def event(code: str) -> str:
    """A study event; the place of the number in a repeated visit's code is `n`."""
    return "SE." + code.replace("{n}", "n")


def form(name: str) -> str:
    return f"F.{name}"


def group(name: str) -> str:
    return f"IG.{name}"


def item(group: str, name: str) -> str:
    return f"IT.{group}.{name}"


def codelist(name: str) -> str:
    return f"CL.{name}"


def unit(symbol: str) -> str:
    return f"MU.{symbol}"


def location(site: str) -> str:
    return f"LOC.{site}"


def user(account: object) -> str:
    """An account by its id, which says nothing of who it is; the service where there is none."""
    return SERVICE if account is None else f"USR.{account}"


def signature(meaning: str) -> str:
    return f"SIG.{SignatureMeaning(meaning).name}"

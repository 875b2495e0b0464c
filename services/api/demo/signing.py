"""Signatures as a hospital gives them: on the version that the signer has just read."""

from services.api.demo.client import Answer, Caller, Unexpected


def confirm_grading(assessor: Caller, grading: Answer) -> None:
    """The assessor signs their own grading."""
    _sign(assessor, f"/v1/gradings/{grading['id']}", grading, "I confirm the grading")


def review(investigator: Caller, event: Answer) -> None:
    """The investigator signs that they have reviewed an adverse event."""
    path = f"/v1/adverse-events/{event['id']}"
    _sign(investigator, path, event, "I have reviewed the adverse event")


def _sign(signer: Caller, path: str, read: Answer, meaning: str) -> None:
    stated = {"content_hash": read["content_hash"], "meaning": meaning}
    body = {**stated, "password": signer.password}
    signature = signer.post(f"{path}/signature", body)
    signature.holds(**stated, version=read["version"], valid=True)
    signer.refused(409, "already_signed", "POST", f"{path}/signature", body)


def voided(changed: Answer) -> None:
    """Verify that a change has voided the signature, visibly.

    Raises:
        Unexpected: it still counts, or is not shown.
    """
    signature = changed["signature"]
    if not isinstance(signature, dict) or signature.get("valid") is not False:
        raise Unexpected(f"{changed.asked}: the signature on the version before is not voided")

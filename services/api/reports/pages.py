"""Each report as a document for people."""

from collections.abc import Iterable

from services.api.protocol.schema import Protocol
from services.api.reports import arm_pages, blind_pages
from services.api.reports.arm_schemas import Endpoints, SafetyByArm
from services.api.reports.document import Block, Document, Heading, Items, Paragraph
from services.api.reports.schemas import Agreement, Completeness, Consort, Recruitment, Report


def document(report: Report, protocol: Protocol) -> Document:
    """The report for people."""
    title, blocks = _parts(report)
    sites = ", ".join(report.sites) or "no site"
    return Document(
        title=title,
        subtitle=f"{protocol.study.nct_id} · {protocol.study.brief_title}",
        day=str(report.as_of),
        blocks=[
            Paragraph(
                f"Data cut-off {report.as_of}; newest record {_moment(report)}. Protocol version"
                f" {report.protocol_version}, whose rules derived every figure. Sites: {sites}."
            ),
            *blocks,
            Heading("How to read this"),
            Items(report.notes),
            Heading("Methods"),
            Items(report.methods),
        ],
    )


def _parts(report: Report) -> tuple[str, Iterable[Block]]:
    match report:
        case Recruitment():
            return "Recruitment", blind_pages.recruitment(report)
        case Consort():
            return "Flow of subjects", blind_pages.consort(report)
        case Completeness():
            return "Completeness of the records", blind_pages.completeness(report)
        case Agreement():
            return "Agreement of gradings", blind_pages.agreement(report)
        case Endpoints():
            return "Endpoints by arm", arm_pages.endpoints(report)
        case SafetyByArm():
            return "Safety by arm", arm_pages.safety(report)
        case _:
            raise TypeError(type(report))


def _moment(report: Report) -> str:
    newest = report.newest_record
    return "none" if newest is None else f"{newest:%Y-%m-%d %H:%M} UTC"

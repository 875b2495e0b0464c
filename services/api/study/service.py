"""Sites, protocol versions and activations: reading, publishing, activating."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.errors import Invalid, NotFound
from services.api.core.pagination import PageQuery, page
from services.api.protocol.load import Loaded
from services.api.protocol.schema import Protocol
from services.api.study.errors import ProtocolNotApproved, SiteNotActive
from services.api.study.models import ProtocolVersion, Site, SiteActivation
from services.api.study.schemas import ActivationCreate


class PublishedDiffers(Exception):
    """The database holds another document under the same version."""


def publish(session: Session, loaded: Loaded) -> None:
    """Publish the document and its sites, unless they are already.

    Raises:
        PublishedDiffers: that version was published with another text.
    """
    version = loaded.protocol.version
    stored = session.get(ProtocolVersion, version)
    if stored is not None and stored.sha256 != loaded.sha256:
        raise PublishedDiffers(
            f"protocol version {version} is published with SHA-256 {stored.sha256}, but the"
            f" document has {loaded.sha256}: a changed document needs a new version"
        )
    if stored is None:
        session.add(
            ProtocolVersion(version=version, sha256=loaded.sha256, document=loaded.document)
        )
    for site in loaded.protocol.sites:
        if session.get(Site, site.code) is None:
            session.add(Site(code=site.code, name=site.name, city=site.city))
    session.flush()


def list_versions(session: Session) -> Sequence[ProtocolVersion]:
    """Every published version, oldest first."""
    return session.exec(select(ProtocolVersion).order_by(col(ProtocolVersion.published_at))).all()


def get_version(session: Session, version: str) -> ProtocolVersion:
    """One published version.

    Raises:
        NotFound: there is no such version.
    """
    stored = session.get(ProtocolVersion, version)
    if stored is None:
        raise NotFound
    return stored


def list_sites(session: Session) -> Sequence[Site]:
    """Every site in the order of its code."""
    return session.exec(select(Site).order_by(Site.code)).all()


def get_site(session: Session, code: str) -> Site:
    """One site.

    Raises:
        NotFound: there is no such site.
    """
    site = session.get(Site, code)
    if site is None:
        raise NotFound
    return site


_APPROVALS = (
    select(SiteActivation)
    .where(SiteActivation.site == bindparam("code"), SiteActivation.approved_on <= bindparam("on"))
    .order_by(col(SiteActivation.approved_on), col(SiteActivation.id))
)


def approvals(session: Session, code: str, on: date) -> Sequence[SiteActivation]:
    """The ethics approvals at the site that are in force on that day, the newest last."""
    return session.execute(_APPROVALS, {"code": code, "on": on}).scalars().all()


def of_version(approved: Sequence[SiteActivation], protocol: Protocol) -> list[SiteActivation]:
    """Those of the approvals that are for this protocol version; a site recruits under them."""
    return [one for one in approved if one.protocol_version == protocol.version]


def require_active(approved: Sequence[SiteActivation], protocol: Protocol) -> SiteActivation:
    """The newest approval of the protocol; a site without one recruits nobody.

    Source: ICH E6(R3) 4.3.5.

    Raises:
        SiteNotActive: no approval of any protocol version is in force.
        ProtocolNotApproved: only approvals of other versions are.
    """
    if not approved:
        raise SiteNotActive
    of_this = of_version(approved, protocol)
    if not of_this:
        raise ProtocolNotApproved
    return of_this[-1]


def approved_consent(session: Session, code: str, consent_version: str, on: date) -> bool:
    """Whether the consent form's version was approved at the site by that day."""
    query = select(SiteActivation.id).where(
        SiteActivation.site == code,
        SiteActivation.consent_version == consent_version,
        SiteActivation.approved_on <= on,
    )
    return session.exec(query.limit(1)).first() is not None


def activate(
    session: Session, caller: Principal, clock: Clock, code: str, approval: ActivationCreate
) -> SiteActivation:
    """Record an ethics approval, which lets the site recruit.

    Raises:
        NotFound: there is no such site.
        Invalid: the approval lies in the future, or names an unknown protocol version.
        AlreadyActivated: it is recorded already.
    """
    get_site(session, code)
    if approval.approved_on > clock.today():
        raise Invalid.at("/approved_on", "future", _PAST)
    if session.get(ProtocolVersion, approval.protocol_version) is None:
        raise Invalid.at("/protocol_version", "unknown", "No such published version")
    activation = SiteActivation(site=code, recorded_by=caller.id, **approval.model_dump())
    session.add(activation)
    session.flush()
    return activation


_PAST = "The day of the approval cannot lie in the future"


def list_activations(
    session: Session, code: str, asked: PageQuery
) -> tuple[Sequence[SiteActivation], str | None]:
    """The site's activations, oldest first.

    Raises:
        NotFound: there is no such site.
    """
    get_site(session, code)
    query = select(SiteActivation).where(SiteActivation.site == code)
    return page(session, query, SiteActivation.id, asked)

"""Exports: which one is asked for, and its making; the trail tells of each."""

from pathlib import Path

from services.api.core.accept import chosen
from services.api.core.audit import Happening, note
from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.db import Database
from services.api.core.errors import Invalid, NotAcceptable, NotFound
from services.api.core.permissions import Action
from services.api.exports.extract import Extract, Options, opened
from services.api.exports.formats import FORMATS, Form, Format
from services.api.exports.schemas import ExportQuery
from services.api.exports.spool import Production
from services.api.language.wording import Wording
from services.api.protocol.load import Loaded


def form_of(name: str, asked: ExportQuery, accept: str) -> tuple[Form, Options]:
    """The form to answer in, and what is written in it.

    Raises:
        NotFound: there is no such format.
        Invalid: the format has no such version or dataset, or none at all.
        NotAcceptable: the caller takes none of its forms.
    """
    if (found := FORMATS.get(name)) is None:
        raise NotFound
    version = _version(found, asked)
    dataset = _dataset(found, asked)
    forms = found.forms if dataset is None else found.single
    by_type = {form.media_type: form for form in forms}
    if (media_type := chosen(accept, tuple(by_type))) is None:
        raise NotAcceptable(Wording("This is answered as {types}.", types=tuple(by_type)))
    return by_type[media_type], Options(version=version, dataset=dataset)


def _version(found: Format, asked: ExportQuery) -> str | None:
    if asked.version is None:
        return found.versions[0] if found.versions else None
    if not found.versions:
        text = Wording("{format} has no versions here", format=found.name)
        raise Invalid.at("/query/version", "not_of_format", text)
    if asked.version not in found.versions:
        text = Wording("Ask for one of {versions}", versions=tuple(found.versions))
        raise Invalid.at("/query/version", "unsupported_version", text)
    return asked.version


def _dataset(found: Format, asked: ExportQuery) -> str | None:
    if asked.dataset is None:
        return None
    if not found.datasets:
        text = Wording("{format} is given as a whole", format=found.name)
        raise Invalid.at("/query/dataset", "not_of_format", text)
    if asked.dataset not in found.datasets:
        text = Wording("There are {datasets}", datasets=tuple(found.datasets))
        raise Invalid.at("/query/dataset", "unknown_dataset", text)
    return asked.dataset


def begin(
    database: Database,
    caller: Principal,
    clock: Clock,
    loaded: Loaded,
    asked: tuple[str, Form, Options],
    directory: Path | None = None,
) -> Production[Extract]:
    """Begin to make an export, and put into the trail that the caller takes it.

    What cannot be put there is not given.

    Raises:
        ExportsBusy: enough exports are being made or read.
        NoRoomForExport: the disk is full.
    """
    name, form, options = asked
    options = Options(options.version, options.dataset, Action.READ_ARM_REPORTS in caller.actions)
    source = opened(database, caller, clock, loaded)
    production = Production(source, lambda extract: form.write(extract, options), directory)
    try:
        _note(database, caller, name, options, production)
    except BaseException:
        production.close()
        raise
    return production


def _note(
    database: Database,
    caller: Principal,
    name: str,
    options: Options,
    production: Production[Extract],
) -> None:
    detail: dict[str, str | int] = {"format": name}
    if production.source is not None:
        detail["subjects"] = production.source.count
    for key in ("version", "dataset"):
        if (value := getattr(options, key)) is not None:
            detail[key] = value
    with database.transaction(caller) as session:
        note(session, Happening.EXPORT, "export", "", detail=detail)

"""Request bodies: strict JSON, strict types, and the field types that all resources share."""

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Self, TypeVar
from unicodedata import category

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    StringConstraints,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema
from starlette.requests import Request
from typing_extensions import TypeAliasType

from services.api.core.errors import BadRequest, Invalid, pointer
from services.api.language.wording import Wording

DEEPEST = 32
"""Levels of nesting that a body may have; the deepest real one has four."""

EARLIEST, LATEST = date(1900, 1, 1), date(2199, 12, 31)


class Body(BaseModel):
    """A request body: unknown fields and wrong JSON types are refused, nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[BaseModel], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Judge parsed JSON by strict JSON rules: a date is a string, never a number.

        The framework hands over Python objects, for which strict means that a
        date has to be a `date`; so they take the way of JSON text.
        """
        model = handler(source)
        return core_schema.json_or_python_schema(
            json_schema=model,
            python_schema=core_schema.no_info_wrap_validator_function(cls._from_parsed, model),
            # Named as pydantic names a model, so that documents refer to it.
            ref=f"{cls.__module__}.{cls.__qualname__}:{id(cls)}",
        )

    @classmethod
    def _from_parsed(cls, given: Any, validate: ValidatorFunctionWrapHandler) -> Any:
        return (
            cls.model_validate_json(json.dumps(given)) if type(given) is dict else validate(given)
        )


class Patch(Body):
    """A JSON Merge Patch (RFC 7396): absent members stay, and null removes the optional ones."""

    removable: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="after")
    def changes_what_may_change(self) -> Self:
        """Refuse a patch of nothing, and null for a member that the record must have."""
        if not self.model_fields_set - {"reason"}:
            raise ValueError("name at least one member to change")
        for name in self.model_fields_set - self.removable:
            if getattr(self, name) is None:
                raise ValueError(Wording("{name} cannot be removed", name=name))
        return self

    def changes(self) -> dict[str, Any]:
        """The members that change, without the reason."""
        return self.model_dump(exclude={"reason"}, exclude_unset=True)


_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    _DATE.pattern + r"T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?"
)


def _read(form: re.Pattern[str], parse: Callable[[str], date], example: str) -> BeforeValidator:
    """Read a text in one form only; Pydantic would take the digits of a Unix time as well."""

    def read(given: Any) -> Any:
        if not isinstance(given, str):
            return given
        try:
            if form.fullmatch(given.upper()):
                return parse(given.upper())
        except ValueError:  # no such day or hour
            pass
        raise ValueError(Wording("write it as in {example}", example=example))

    return BeforeValidator(read)


def _in_range(day: date) -> date:
    if not EARLIEST <= day <= LATEST:
        raise ValueError(
            Wording("a date between {first} and {last} is needed", first=EARLIEST, last=LATEST)
        )
    return day


def _to_utc(moment: datetime) -> datetime:
    # The offset of year 1 or 9999 can leave the calendar: check the year first.
    if not EARLIEST.year < moment.year < LATEST.year:
        raise ValueError(
            Wording(
                "a time between {first} and {last} is needed",
                first=EARLIEST.year + 1,
                last=LATEST.year - 1,
            )
        )
    return moment.astimezone(UTC)


def rfc3339(moment: datetime) -> str:
    """UTC with `Z`, microseconds kept where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


class _NullUndescribed:
    """Describe a nullable member as if it took no null."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return next(one for one in handler(schema)["anyOf"] if one != {"type": "null"})


class _AsIs:
    """Describe a value by its type, and pass it through as it is."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        described = handler(source)
        reference: Any = {**described}  # pydantic turns `described` itself into what it refers to
        shown = [lambda _, describe: describe(reference)]
        return core_schema.any_schema(
            metadata={"pydantic_js_annotation_functions": shown},
            # Names the type where pydantic collects definitions; the function passes it by.
            serialization=core_schema.wrap_serializer_function_ser_schema(
                lambda value, _: value, schema=described
            ),
        )


T = TypeVar("T")
AsIs = Annotated[T, _AsIs()]
"""JSON that is judged elsewhere, or stored as it was judged: described, and never rewritten."""

JsonValue = TypeAliasType(
    "JsonValue",
    Annotated[
        AsIs[bool | float | str | list[Any] | dict[str, Any] | None],
        Field(description="Any JSON value."),
    ],
)
JsonObject = TypeAliasType(
    "JsonObject",
    Annotated[dict[str, JsonValue], Field(description="A JSON object whose members vary.")],
)

Omittable = Annotated[T | None, _NullUndescribed()]
"""A member that may be left out; a null for it is no value, and a patch refuses it."""

LocalDate = Annotated[
    date, _read(_DATE, date.fromisoformat, "2026-03-02"), AfterValidator(_in_range)
]
"""A local calendar date, YYYY-MM-DD."""

Instant = Annotated[
    AwareDatetime,
    _read(_TIME, datetime.fromisoformat, "2026-03-02T09:00:00+08:00"),
    AfterValidator(_to_utc),
    PlainSerializer(rfc3339, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment with its offset, kept and answered in UTC with `Z`."""


def _seen(text: str) -> str:
    """Refuse a text that nobody can see: of spaces, controls, formats and marks alone."""
    if not any(category(character)[0] in "LNPS" for character in text):
        raise ValueError("visible characters are needed")
    return text


Reason = Annotated[
    str,
    StringConstraints(min_length=3, max_length=500, strip_whitespace=True),
    AfterValidator(_seen),
]
"""Why recorded data changes (ICH E6(R3) 4.2.2)."""

ChangeReason = Annotated[
    Reason | None,
    Field(
        default=None,
        description="Why the recorded data changes; required from the second version on.",
        examples=["Typing error, corrected from the source record"],
    ),
]


async def read_json(request: Request) -> Any:
    """The body as JSON, refusing what parsers disagree about.

    Raises:
        BadRequest: not JSON, or not UTF-8.
        Invalid: duplicate keys, NaN or Infinity, NUL, lone surrogates, absurd nesting.
    """
    try:
        text = (await request.body()).decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest from None
    try:
        parsed = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except RecursionError:
        raise Invalid.at("", "nesting", _SHALLOW) from None
    except ValueError:  # malformed, or an integer of thousands of digits
        raise BadRequest from None
    _check(parsed, [])
    return parsed


async def read_form(request: Request) -> None:
    """Refuse a form that names a field twice (RFC 6749 section 3.2).

    Raises:
        Invalid: it does.
    """
    form = await request.form()
    if len(form.multi_items()) != len(form):
        raise _refuse([], "duplicate_key", "The form names a field twice")


_SHALLOW = Wording("At most {levels} levels of nesting are accepted", levels=DEEPEST)


def _refuse(place: list[int | str], code: str, detail: str) -> Invalid:
    return Invalid.at(pointer(place), code, detail)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _refuse([], "duplicate_key", "An object names a field twice")
    return found


def _no_constant(_: str) -> Any:
    raise _refuse([], "finite_number", "NaN and Infinity are not numbers in JSON")


def _check(value: Any, place: list[int | str]) -> None:
    if len(place) > DEEPEST:
        raise _refuse([], "nesting", _SHALLOW)
    check = _CHECKS.get(type(value))
    if check is not None:
        check(value, place)


def _check_text(value: str, place: list[int | str]) -> None:
    if "\0" in value:
        raise _refuse(place, "nul", "NUL characters cannot be stored")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise _refuse(place, "lone_surrogate", "The text is not valid Unicode")


def _check_number(value: float, place: list[int | str]) -> None:
    if not math.isfinite(value):
        raise _refuse(place, "finite_number", "The number is too large")


def _check_array(value: list[Any], place: list[int | str]) -> None:
    for index, item in enumerate(value):
        _check(item, [*place, index])


def _check_object(value: dict[str, Any], place: list[int | str]) -> None:
    for key, item in value.items():
        _check_text(key, place)
        _check(item, [*place, key])


_CHECKS: dict[type, Callable[[Any, list[int | str]], None]] = {
    str: _check_text,
    float: _check_number,
    list: _check_array,
    dict: _check_object,
}

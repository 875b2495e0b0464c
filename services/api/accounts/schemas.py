"""Users and machine clients as admins see them: secrets go in, and never come out."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path
from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from services.api.core.bodies import Body, Instant, Omittable, Patch, Reason
from services.api.core.pagination import Page, PageQuery
from services.api.core.permissions import Role
from services.api.core.signed import VerifyKey

ID = "019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07"
UserId = Annotated[UUID, Path(description="The user's `id`, not the username.", examples=[ID])]
AccountId = Annotated[
    UUID, Path(description="The client's `id`, not its `client_id`.", examples=[ID])
]

Username = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{2,63}$")]
Name = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=100, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$"
    ),
]
Sites = Annotated[
    list[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,4}$")]],
    Field(max_length=50),
    AfterValidator(lambda codes: sorted(set(codes))),
]
Password = Annotated[
    str, StringConstraints(min_length=12, max_length=128, pattern=r"^[^\x00-\x1f]*$")
]
# What fits HTTP Basic and a form alike (RFC 6749 appendix A.2), and cannot be guessed.
Secret = Annotated[str, StringConstraints(min_length=32, max_length=128, pattern=r"^[!-~]*$")]
Base64Url = Annotated[str, StringConstraints(max_length=1024, pattern=r"^[A-Za-z0-9_-]+$")]


class PersonRole(StrEnum):
    """Every role but `hospital_system`, which is for machines."""

    INVESTIGATOR = Role.INVESTIGATOR.value
    COORDINATOR = Role.COORDINATOR.value
    ASSESSOR = Role.ASSESSOR.value
    MONITOR = Role.MONITOR.value
    DATA_MANAGER = Role.DATA_MANAGER.value
    SAFETY_OFFICER = Role.SAFETY_OFFICER.value
    STATISTICIAN = Role.STATISTICIAN.value
    DMC = Role.DMC.value
    AUDITOR = Role.AUDITOR.value
    ADMIN = Role.ADMIN.value


PASSWORD = "wisteria ladder 7 mercury"  # an example; no account has it
REASON = "Joined the study team at Nanning on 2026-03-02"


class AccountLinks(BaseModel):
    """Where the account is found."""

    self: str = Field(
        examples=[f"/v1/users/{ID}"],
        description="The account itself, where it is read and changed.",
    )


# --- people --------------------------------------------------------------------------


class UserCreate(Body):
    """A person, with a password that they must replace within seven days."""

    username: Username = Field(examples=["lan.weiming"])
    name: Name = Field(examples=["Dr Lan Weiming"], description="As it stands in signatures.")
    role: PersonRole = Field(
        examples=["investigator"],
        description="What the person may do: GET /v1/me lists the actions of a role. A site-bound"
        " role sees its own hospitals alone.",
    )
    sites: Sites = Field(
        examples=[["NN"]], description="One or more for a site-bound role, none for the others."
    )
    password: Password = Field(examples=[PASSWORD], description="Temporary; none that is common.")


class UserPatch(Patch):
    """A change of a user; all but the name ends their sessions."""

    name: Omittable[Name] = Field(
        default=None,
        examples=["Dr Lan Weiming"],
        description="As it will stand in signatures; those that were made keep the name of then.",
    )
    role: Omittable[PersonRole] = Field(
        default=None,
        examples=["coordinator"],
        description="The new role. Who becomes an assessor must not have seen an arm in another"
        " role.",
    )
    sites: Omittable[Sites] = Field(
        default=None, examples=[["NN", "LZ"]], description="The new sites, all of them."
    )
    active: Omittable[bool] = Field(
        default=None,
        examples=[False],
        description="False: the person signs in no more, and every session ends within a second.",
    )
    password: Omittable[Password] = Field(
        default=None, examples=[PASSWORD], description="Temporary, as at the beginning."
    )
    totp_enrolled: Omittable[Literal[False]] = Field(
        default=None, description="False: forget an authenticator that was lost."
    )
    reason: Reason = Field(examples=[REASON])


class UserRead(BaseModel):
    """A user."""

    id: UUID
    username: str = Field(examples=["lan.weiming"])
    name: str = Field(
        examples=["Dr Lan Weiming"], description="As it stands in signatures from now on."
    )
    role: Role = Field(examples=["investigator"], description="What the person may do.")
    sites: list[str] = Field(
        examples=[["NN"]], description="Where the person acts; empty for a role of the whole trial."
    )
    active: bool
    totp_enrolled: bool = Field(description="Whether signing in needs an authenticator's code.")
    password_temporary: bool = Field(description="Whether the password has yet to be replaced.")
    created_at: Instant
    version: int = Field(examples=[1])
    links: AccountLinks


class UserPage(Page[UserRead]):
    """Users, active or not, oldest first."""


class UserQuery(PageQuery):
    """Filters of the list of users."""

    role: Role | None = Field(default=None, description="Only this role.")
    site: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,4}$")] | None = Field(
        default=None, description="Only who acts at this site.", examples=["NN"]
    )
    active: bool | None = Field(default=None, description="Only active ones, or only the others.")
    username: Username | None = Field(
        default=None, description="The user with this name.", examples=["lan.weiming"]
    )


# --- machines ------------------------------------------------------------------------


class KeyType(StrEnum):
    """The family of a public key (RFC 7518, section 6.1)."""

    EC = "EC"
    RSA = "RSA"


class KeyAlgorithm(StrEnum):
    """How assertions are signed (RFC 7518, section 3.1)."""

    ES256 = "ES256"
    ES384 = "ES384"
    RS256 = "RS256"
    RS384 = "RS384"


class KeyCurve(StrEnum):
    """The curve of an EC key (RFC 7518, section 6.2.1.1)."""

    P256 = "P-256"
    P384 = "P-384"


class PublicKey(Body):
    """A public JSON Web Key (RFC 7517): EC P-256, EC P-384, or RSA of 2048 to 4096 bits."""

    kid: Annotated[str, StringConstraints(min_length=1, max_length=255)] = Field(
        examples=["2026"],
        description="Names the key among the client's; an assertion's header says which one"
        " signed it.",
    )
    kty: KeyType = Field(description="The key's family: it decides which other members are needed.")
    use: Omittable[Literal["sig"]] = Field(
        default=None, description="What the key is for: signatures, if it is said at all."
    )
    alg: Omittable[KeyAlgorithm] = Field(
        default=None, description="Follows from an EC key's curve; RS256 for RSA if absent."
    )
    crv: Omittable[KeyCurve] = Field(
        default=None, description="The curve of an EC key; needed for one."
    )
    x: Omittable[Base64Url] = Field(
        default=None,
        examples=["f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"],
        description="The x coordinate of an EC key, base64url.",
    )
    y: Omittable[Base64Url] = Field(
        default=None,
        examples=["x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"],
        description="The y coordinate of an EC key, base64url.",
    )
    n: Omittable[Base64Url] = Field(
        default=None, description="The modulus of an RSA key, base64url."
    )
    e: Omittable[Base64Url] = Field(
        default=None, examples=["AQAB"], description="The exponent of an RSA key, base64url."
    )


def _verifies(key: PublicKey) -> PublicKey:
    VerifyKey.from_jwk(key.model_dump(exclude_none=True))
    return key


class KeySet(Body):
    """The public keys that verify a client's assertions."""

    keys: list[Annotated[PublicKey, AfterValidator(_verifies)]] = Field(
        min_length=1,
        max_length=8,
        description="One to eight public keys: a second one lets you change keys without a gap.",
    )


class ClientCreate(Body):
    """A hospital's system, which signs in by a secret, by a private key, or either."""

    client_id: Username = Field(examples=["his-nanning"])
    name: Name = Field(
        examples=["Hospital information system, Nanning"],
        description="What the system is called in the audit trail.",
    )
    sites: Sites = Field(
        examples=[["NN"]], description="The hospitals whose subjects it reads and writes."
    )
    secret: Omittable[Secret] = Field(
        default=None,
        examples=["Zt4vQ1xW8mJ0cN7yR3pK6sD9fG2hL5bA"],
        description="Random, 32 to 128 printable ASCII characters without spaces.",
    )
    jwks: Omittable[KeySet] = Field(
        default=None, description="For `private_key_jwt`; the private key stays with the client."
    )


class ClientPatch(Patch):
    """A change of a client; all but the name ends its sessions."""

    removable = frozenset({"secret", "jwks"})

    name: Omittable[Name] = Field(
        default=None,
        examples=["Hospital information system, Nanning"],
        description="What the system is called in the audit trail from now on.",
    )
    sites: Omittable[Sites] = Field(
        default=None, examples=[["NN"]], description="The new sites, all of them."
    )
    active: Omittable[bool] = Field(
        default=None,
        examples=[False],
        description="False: the system signs in no more, and every session ends within a second.",
    )
    secret: Secret | None = Field(
        default=None,
        examples=["Zt4vQ1xW8mJ0cN7yR3pK6sD9fG2hL5bA"],
        description="Null: it signs in by its keys only.",
    )
    jwks: KeySet | None = Field(
        default=None, description="Replaces the whole set. Null: it signs in by its secret only."
    )
    reason: Reason = Field(examples=["Key replaced at the yearly rotation"])


class ClientRead(BaseModel):
    """A machine client."""

    id: UUID
    client_id: str = Field(examples=["his-nanning"])
    name: str = Field(
        examples=["Hospital information system, Nanning"],
        description="What the system is called in the audit trail.",
    )
    role: Literal[Role.HOSPITAL_SYSTEM] = Field(
        default=Role.HOSPITAL_SYSTEM,
        description="A system has this role and no other: it signs nothing.",
    )
    sites: list[str] = Field(
        examples=[["NN"]], description="The hospitals whose subjects it reads and writes."
    )
    active: bool
    has_secret: bool = Field(
        description="Whether it may sign in by a secret; the secret itself is never shown."
    )
    keys: list[str] = Field(examples=[["2026"]], description="The `kid` of each public key.")
    created_at: Instant
    version: int = Field(examples=[1])
    links: AccountLinks


class ClientPage(Page[ClientRead]):
    """Clients, active or not, oldest first."""


class ClientQuery(PageQuery):
    """Filters of the list of clients."""

    site: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,4}$")] | None = Field(
        default=None, description="Only who acts at this site.", examples=["NN"]
    )
    active: bool | None = Field(default=None, description="Only active ones, or only the others.")
    client_id: Username | None = Field(
        default=None, description="The client with this id.", examples=["his-nanning"]
    )

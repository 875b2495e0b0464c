"""Who recorded something: a role at a site, and nothing that names or reaches the person."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from services.api.exports.extract import User
from services.api.exports.fhir.elements import Json, Names, listed, reference, resource


class People:
    """The accounts that the export refers to; each is written once, when it is first named."""

    def __init__(self, names: Names, users: Mapping[UUID, User]) -> None:
        self._names, self._users = names, users
        self._written: set[UUID] = set()
        self._waiting: list[User] = []

    def reference(self, account: UUID) -> Json | None:
        """A reference to the account; None to the service itself, which is nobody."""
        user = self._users.get(account)
        if user is None:
            return None
        if account not in self._written:
            self._written.add(account)
            self._waiting.append(user)
        return reference("PractitionerRole", account)

    def references(self, account: UUID) -> list[Json]:
        """The same as a list, which is empty of the service itself."""
        return listed(self.reference(account))

    def waiting(self) -> Iterator[Json]:
        """The accounts that were named since this was asked last."""
        while self._waiting:
            yield self._role(self._waiting.pop(0))

    def _role(self, user: User) -> Json:
        return resource(
            "PractitionerRole",
            user.id,
            code=[self._names.concept("role", user.role)],
            location=[reference("Location", site) for site in user.sites],
        )

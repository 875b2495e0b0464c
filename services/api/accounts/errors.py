"""Refusals about users and machine clients."""

from services.api.core.errors import ApiError


class UsernameTaken(ApiError):
    """An account has that name already.

    Names of users and clients are given once, to deactivated accounts as well:
    choose another, or change the account that has it.
    """

    code, status, constraint = "username_taken", 409, "account_username_unique"


class LastAdmin(ApiError):
    """Nobody else could administer the installation.

    Make another account an admin first; then this one can be deactivated or get another role.
    """

    code, status = "last_admin", 409


class OwnAccount(ApiError):
    """That cannot be changed on your own account.

    Another admin changes your role or resets your authenticator; your password you change
    yourself, with the old one.
    """

    code, status = "own_account", 403


class KnowsTheArms(ApiError):
    """An account that could read arms and gradings does not become an assessor's.

    Assessors grade without knowing the arm or another's grade. Make an account for a person who
    did not have another role in this trial.
    """

    code, status = "knows_the_arms", 409

"""The operations of the API, one method each.

Written by `make clients` from openapi/openapi.json: do not edit.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from trial_client import models
from trial_client.answers import Answer, Download
from trial_client.sending import Sender, fresh_key, segment


class Operations(Sender):
    """Every operation; what any of them may refuse with is told in README.md."""

    def list_subjects(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        site: str | None = None,
        status: models.SubjectStatus | None = None,
        number: str | None = None,
    ) -> Answer[models.SubjectPage]:
        """Subjects of your sites, in the order of their enrolment.

        Filter by `site`, `status` or `number`. Nobody is named: a subject is a number,
        a sex and a year of birth.

        **Who may** (`subjects:read`): `investigator`, `coordinator`, `assessor`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
            site: Only this site.
            status: Only in this status.
            number: The subject with this number.
        """
        return self.send(
            "GET",
            "/v1/subjects",
            query={
                "limit": limit,
                "cursor": cursor,
                "site": site,
                "status": status,
                "number": number,
            },
        )

    def iterate_subjects(
        self,
        *,
        limit: int | None = None,
        site: str | None = None,
        status: models.SubjectStatus | None = None,
        number: str | None = None,
    ) -> Iterator[models.SubjectRead]:
        """`list_subjects`, page after page: every item."""
        return self.pages(
            "GET",
            "/v1/subjects",
            query={"limit": limit, "site": site, "status": status, "number": number},
        )

    def create_subject(
        self, body: models.SubjectCreate, *, idempotency_key: str | None = None
    ) -> Answer[models.SubjectRead]:
        """Enter a person into screening; the answer holds the subject number.

        The site must be recruiting: an approval of the protocol's version in force is
        on record. Send `national_id` where the site asks for it: only a keyed digest is
        kept, and a person who is known at any site is refused with `duplicate_subject`,
        which says no more.

        **Who may** (`subjects:create`): `investigator`, `coordinator`,
        `hospital_system` at their own sites.

        Raises:
            TrialProblem: `site_not_active` (409), `protocol_not_approved` (409),
                `duplicate_subject` (409), `record_frozen` (409), `record_locked` (409),
                `idempotency_key_reused` (422).
        """
        return self.send(
            "POST", "/v1/subjects", body=body, idempotency_key=idempotency_key or fresh_key()
        )

    def read_subject(self, subject_id: str) -> Answer[models.SubjectRead]:
        """One subject, with links to everything recorded about them.

        `links` lead to every record of the subject; most exist before anything is
        written there, with version 0.

        **Who may** (`subjects:read`): `investigator`, `coordinator`, `assessor`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.
        """
        return self.send("GET", f"/v1/subjects/{segment(subject_id)}")

    def change_subject(
        self, subject_id: str, body: models.SubjectPatch, *, if_match: str
    ) -> Answer[models.SubjectRead]:
        """Correct sex or year of birth, or set a status that a person may set.

        Most statuses follow from what is recorded and cannot be set. `died`,
        `withdrawn` and `lost_to_follow_up` end the subject's part for good: better
        record a discontinuation, which also keeps the day and the cause.

        **Who may** (`subjects:change`): `investigator`, `coordinator`,
        `hospital_system` at their own sites.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.

        Raises:
            TrialProblem: `move_not_allowed` (409), `record_frozen` (409),
                `record_locked` (409), `stale_version` (412).
        """
        return self.send(
            "PATCH", f"/v1/subjects/{segment(subject_id)}", body=body, if_match=if_match
        )

    def list_consents(
        self, subject_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.ConsentPage]:
        """The consents a subject signed, and which were withdrawn.

        **Who may** (`consents:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send(
            "GET",
            f"/v1/subjects/{segment(subject_id)}/consents",
            query={"limit": limit, "cursor": cursor},
        )

    def iterate_consents(
        self, subject_id: str, *, limit: int | None = None
    ) -> Iterator[models.ConsentRead]:
        """`list_consents`, page after page: every item."""
        return self.pages(
            "GET", f"/v1/subjects/{segment(subject_id)}/consents", query={"limit": limit}
        )

    def record_consent(
        self, subject_id: str, body: models.ConsentCreate, *, idempotency_key: str | None = None
    ) -> Answer[models.ConsentRead]:
        """Record a signed informed consent.

        The version must be one that the site's ethics committee approved. Nothing is
        observed of a subject before it, and nobody is randomized without it; where
        several were signed, the last one counts.

        **Who may** (`consents:create`): `investigator`, `coordinator` at their own
        sites.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.

        Raises:
            TrialProblem: `subject_closed` (409), `after_leaving` (409),
                `consent_version_not_approved` (409), `already_consented` (409),
                `record_frozen` (409), `record_locked` (409), `idempotency_key_reused`
                (422).
        """
        return self.send(
            "POST",
            f"/v1/subjects/{segment(subject_id)}/consents",
            body=body,
            idempotency_key=idempotency_key or fresh_key(),
        )

    def withdraw_consent(
        self,
        subject_id: str,
        consent_id: str,
        body: models.WithdrawalCreate,
        *,
        idempotency_key: str | None = None,
    ) -> Answer[models.ConsentRead]:
        """Record that a subject withdrew consent, which ends their part in the trial.

        Of a subject who is known to have died since, the status stays.

        **Who may** (`consents:create`): `investigator`, `coordinator` at their own
        sites.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.
            consent_id: The consent's `id`, of that subject.

        Raises:
            TrialProblem: `already_withdrawn` (409), `after_leaving` (409),
                `record_frozen` (409), `record_locked` (409), `idempotency_key_reused`
                (422).
        """
        return self.send(
            "POST",
            f"/v1/subjects/{segment(subject_id)}/consents/{segment(consent_id)}/withdrawal",
            body=body,
            idempotency_key=idempotency_key or fresh_key(),
        )

    def issue_token(self, body: models.TokenRequest) -> Answer[models.TokenAnswer]:
        """Get an access token.

        People use `password` with username, password and, if they have a second factor,
        `totp`; then `refresh_token` until they sign out. Each refresh token is good
        once; a retry within ten seconds of a lost answer gets the same next one, any
        other second use ends the session. Hospital systems use `client_credentials`
        with their id and secret, in the form or as HTTP Basic, or with a
        `client_assertion` signed by their key (RFC 7523). The token is a JWT signed
        with ES256 and lives at most 15 minutes. Wrong guesses are slowed down per
        account and address. A browser keeps the cookie `trial-device`, by which its
        owner is told apart from strangers.

        **Who may** (`session:create`): anyone, without a token.

        Raises:
            TrialProblem: `invalid_token_request` (400), `unsupported_grant_type` (400),
                `password_change_required` (400), `totp_enrolment_required` (400),
                `invalid_grant` (400), `totp_required` (400), `invalid_client` (401),
                `too_many_requests` (429).
        """
        return self.send("POST", "/v1/oauth/token", form=body)

    def revoke_token(self, body: models.Revocation) -> Answer[models.Revoked]:
        """Sign out: end the session of a refresh or access token of yours (RFC 7009).

        Every token of the session is refused within a second. A token that is not ours,
        or no longer, is answered alike: there is nothing left to end.

        **Who may** (`session:end`): anyone, without a token.
        """
        return self.send("POST", "/v1/oauth/revoke", form=body)

    def change_password(self, body: models.PasswordChange) -> Answer[models.PasswordChanged]:
        """Replace your password, with the old one and your code instead of a token.

        A password that an admin gave has to be replaced before signing in. Every
        session of yours ends. At least 12 characters; common and guessable ones are
        refused.

        **Who may** (`password:change`): anyone, without a token.

        Raises:
            TrialProblem: `invalid_grant` (400), `totp_required` (400),
                `too_many_requests` (429).
        """
        return self.send("POST", "/v1/oauth/password", body=body)

    def offer_totp(self, body: models.TotpOffer) -> Answer[models.TotpOfferRead]:
        """Get a secret for an authenticator app (RFC 6238), to be confirmed within ten minutes.

        Nothing changes before the confirmation. Who has an authenticator already gives
        its code, and replaces it.

        **Who may** (`totp:enrol`): anyone, without a token.

        Raises:
            TrialProblem: `password_change_required` (400), `invalid_grant` (400),
                `totp_required` (400), `too_many_requests` (429).
        """
        return self.send("POST", "/v1/oauth/totp", body=body)

    def confirm_totp(self, body: models.TotpConfirmation) -> Answer[models.TotpConfirmed]:
        """Enrol the authenticator by a code that it shows; every session of yours ends.

        **Who may** (`totp:enrol`): anyone, without a token.

        Raises:
            TrialProblem: `password_change_required` (400), `invalid_grant` (400),
                `totp_required` (400), `ticket_refused` (409), `too_many_requests`
                (429).
        """
        return self.send("POST", "/v1/oauth/totp/confirmation", body=body)

    def read_me(self) -> Answer[models.Me]:
        """Who the token's holder is, at which sites, and what they may do.

        Ask it after signing in: a front end shows what `actions` allow, and nothing
        else.

        **Who may** (`self:read`): every role.
        """
        return self.send("GET", "/v1/me")

    def read_keys(self) -> Answer[models.JsonWebKeySet]:
        """The public keys that verify access tokens (RFC 7517).

        Keep them, and ask again when a token names a `kid` that you do not have.

        **Who may** (`keys:read`): anyone, without a token.
        """
        return self.send("GET", "/.well-known/jwks.json")

    def read_authorization_server(self) -> Answer[models.AuthorizationServer]:
        """Where and how to get tokens (RFC 8414).

        **Who may** (`keys:read`): anyone, without a token.
        """
        return self.send("GET", "/.well-known/oauth-authorization-server")

    def list_users(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        role: models.Role | None = None,
        site: str | None = None,
        active: bool | None = None,
        username: str | None = None,
    ) -> Answer[models.UserPage]:
        """People with an account, active or not.

        **Who may** (`users:read`): `admin` for the whole trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
            role: Only this role.
            site: Only who acts at this site.
            active: Only active ones, or only the others.
            username: The user with this name.
        """
        return self.send(
            "GET",
            "/v1/users",
            query={
                "limit": limit,
                "cursor": cursor,
                "role": role,
                "site": site,
                "active": active,
                "username": username,
            },
        )

    def iterate_users(
        self,
        *,
        limit: int | None = None,
        role: models.Role | None = None,
        site: str | None = None,
        active: bool | None = None,
        username: str | None = None,
    ) -> Iterator[models.UserRead]:
        """`list_users`, page after page: every item."""
        return self.pages(
            "GET",
            "/v1/users",
            query={
                "limit": limit,
                "role": role,
                "site": site,
                "active": active,
                "username": username,
            },
        )

    def create_user(
        self, body: models.UserCreate, *, idempotency_key: str | None = None
    ) -> Answer[models.UserRead]:
        """Give a person an account, with a password that they replace before they first sign in.

        A site-bound role needs its sites, a role of the whole trial takes none. The
        appointment stands in the audit trail: it is the trial's delegation log (ICH
        E6(R3)).

        **Who may** (`users:create`): `admin` for the whole trial.

        Raises:
            TrialProblem: `username_taken` (409), `idempotency_key_reused` (422).
        """
        return self.send(
            "POST", "/v1/users", body=body, idempotency_key=idempotency_key or fresh_key()
        )

    def read_user(self, user_id: str) -> Answer[models.UserRead]:
        """One person's account.

        **Who may** (`users:read`): `admin` for the whole trial.

        Args:
            user_id: The user's `id`, not the username.
        """
        return self.send("GET", f"/v1/users/{segment(user_id)}")

    def change_user(
        self, user_id: str, body: models.UserPatch, *, if_match: str
    ) -> Answer[models.UserRead]:
        """Change or deactivate a person's account; all but a new name ends their sessions.

        Nobody is deleted: `active` false keeps the name under everything they did. An
        admin cannot change their own role, password or authenticator, and the last
        admin stays.

        **Who may** (`users:change`): `admin` for the whole trial.

        Args:
            user_id: The user's `id`, not the username.

        Raises:
            TrialProblem: `own_account` (403), `last_admin` (409), `knows_the_arms`
                (409), `stale_version` (412).
        """
        return self.send("PATCH", f"/v1/users/{segment(user_id)}", body=body, if_match=if_match)

    def list_clients(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        site: str | None = None,
        active: bool | None = None,
        client_id: str | None = None,
    ) -> Answer[models.ClientPage]:
        """Hospitals' systems with an account, active or not.

        **Who may** (`clients:read`): `admin` for the whole trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
            site: Only who acts at this site.
            active: Only active ones, or only the others.
            client_id: The client with this id.
        """
        return self.send(
            "GET",
            "/v1/clients",
            query={
                "limit": limit,
                "cursor": cursor,
                "site": site,
                "active": active,
                "client_id": client_id,
            },
        )

    def iterate_clients(
        self,
        *,
        limit: int | None = None,
        site: str | None = None,
        active: bool | None = None,
        client_id: str | None = None,
    ) -> Iterator[models.ClientRead]:
        """`list_clients`, page after page: every item."""
        return self.pages(
            "GET",
            "/v1/clients",
            query={"limit": limit, "site": site, "active": active, "client_id": client_id},
        )

    def create_client(
        self, body: models.ClientCreate, *, idempotency_key: str | None = None
    ) -> Answer[models.ClientRead]:
        """Give a hospital's system an account, with a secret, public keys, or both.

        It acts as `hospital_system` at its sites: it enters what the hospital knows,
        and signs and grades nothing. Prefer public keys: their private part never
        leaves the hospital.

        **Who may** (`clients:create`): `admin` for the whole trial.

        Raises:
            TrialProblem: `username_taken` (409), `idempotency_key_reused` (422).
        """
        return self.send(
            "POST", "/v1/clients", body=body, idempotency_key=idempotency_key or fresh_key()
        )

    def read_client(self, account_id: str) -> Answer[models.ClientRead]:
        """One system's account.

        **Who may** (`clients:read`): `admin` for the whole trial.

        Args:
            account_id: The client's `id`, not its `client_id`.
        """
        return self.send("GET", f"/v1/clients/{segment(account_id)}")

    def change_client(
        self, account_id: str, body: models.ClientPatch, *, if_match: str
    ) -> Answer[models.ClientRead]:
        """Change or deactivate a system's account; all but a new name ends its sessions.

        A new secret or key set replaces the one before at once: give two keys during a
        rotation.

        **Who may** (`clients:change`): `admin` for the whole trial.

        Args:
            account_id: The client's `id`, not its `client_id`.

        Raises:
            TrialProblem: `stale_version` (412).
        """
        return self.send(
            "PATCH", f"/v1/clients/{segment(account_id)}", body=body, if_match=if_match
        )

    def list_certificates(
        self, *, limit: int | None = None, cursor: str | None = None, assessor: str | None = None
    ) -> Answer[models.CertificatePage]:
        """Who is certified to grade at your sites; an assessor reads their own certificates.

        A certificate covers the gradings of the days from `valid_from` through
        `valid_until`.

        **Who may** (`certificates:read`): `investigator`, `coordinator`, `assessor`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
            assessor: Only this account's.
        """
        return self.send(
            "GET",
            "/v1/certificates",
            query={"limit": limit, "cursor": cursor, "assessor": assessor},
        )

    def iterate_certificates(
        self, *, limit: int | None = None, assessor: str | None = None
    ) -> Iterator[models.CertificateRead]:
        """`list_certificates`, page after page: every item."""
        return self.pages("GET", "/v1/certificates", query={"limit": limit, "assessor": assessor})

    def record_certificate(
        self, body: models.CertificateCreate, *, idempotency_key: str | None = None
    ) -> Answer[models.CertificateRead]:
        """Record that an assessor or investigator was trained in grading.

        Gradings of days that no certificate covers are stored and flagged; a
        certificate that is entered late takes the flag away.

        **Who may** (`certificates:record`): `data_manager` for the whole trial.

        Raises:
            TrialProblem: `record_locked` (409), `idempotency_key_reused` (422).
        """
        return self.send(
            "POST", "/v1/certificates", body=body, idempotency_key=idempotency_key or fresh_key()
        )

    def read_certificate(self, certificate_id: str) -> Answer[models.CertificateRead]:
        """One certificate in its current version.

        **Who may** (`certificates:read`): `investigator`, `coordinator`, `assessor`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.

        Args:
            certificate_id: The certificate's `id`, as the list gives it.
        """
        return self.send("GET", f"/v1/certificates/{segment(certificate_id)}")

    def change_certificate(
        self, certificate_id: str, body: models.CertificatePatch, *, if_match: str
    ) -> Answer[models.CertificateRead]:
        """Correct a certificate, or end it early by an earlier last day.

        Gradings of days that it no longer covers are flagged from then on; none is
        lost.

        **Who may** (`certificates:record`): `data_manager` for the whole trial.

        Args:
            certificate_id: The certificate's `id`, as the list gives it.

        Raises:
            TrialProblem: `record_locked` (409), `stale_version` (412).
        """
        return self.send(
            "PATCH", f"/v1/certificates/{segment(certificate_id)}", body=body, if_match=if_match
        )

    def read_study(self) -> Answer[models.StudyRead]:
        """The trial's registry facts, arms and outcomes.

        The protocol in force says more: `GET /v1/protocol-versions/{version}`.

        **Who may** (`study:read`): every role.
        """
        return self.send("GET", "/v1/study")

    def list_sites(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.SiteList]:
        """The trial's hospitals and whether each may recruit.

        A site recruits once an approval of the protocol's version in force is on record
        and its day has come.

        **Who may** (`study:read`): every role.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send("GET", "/v1/sites", query={"limit": limit, "cursor": cursor})

    def iterate_sites(self, *, limit: int | None = None) -> Iterator[models.SiteRead]:
        """`list_sites`, page after page: every item."""
        return self.pages("GET", "/v1/sites", query={"limit": limit})

    def read_site(self, code: str) -> Answer[models.SiteRead]:
        """One hospital.

        **Who may** (`study:read`): every role.

        Args:
            code: The hospital's code, as the list gives it.
        """
        return self.send("GET", f"/v1/sites/{segment(code)}")

    def list_protocol_versions(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.ProtocolVersionList]:
        """Every published protocol version with its SHA-256.

        **Who may** (`study:read`): every role.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send("GET", "/v1/protocol-versions", query={"limit": limit, "cursor": cursor})

    def iterate_protocol_versions(
        self, *, limit: int | None = None
    ) -> Iterator[models.ProtocolVersionSummary]:
        """`list_protocol_versions`, page after page: every item."""
        return self.pages("GET", "/v1/protocol-versions", query={"limit": limit})

    def read_protocol_version(self, version: str) -> Answer[models.ProtocolVersionRead]:
        """A protocol version: eligibility facts and criteria, visits, scales, rules, assumptions.

        A screening form asks `eligibility.facts`; a front end takes units, choices and
        limits from there and not from its own code. `sha256` shows that the document is
        the one that was approved.

        **Who may** (`study:read`): every role.

        Args:
            version: The version, as records name it.
        """
        return self.send("GET", f"/v1/protocol-versions/{segment(version)}")

    def list_activations(
        self, code: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.ActivationPage]:
        """The ethics approvals recorded for a site.

        **Who may** (`activations:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor`, `admin` for the whole trial.

        Args:
            code: The hospital's code, as the list gives it.
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send(
            "GET",
            f"/v1/sites/{segment(code)}/activations",
            query={"limit": limit, "cursor": cursor},
        )

    def iterate_activations(
        self, code: str, *, limit: int | None = None
    ) -> Iterator[models.ActivationRead]:
        """`list_activations`, page after page: every item."""
        return self.pages("GET", f"/v1/sites/{segment(code)}/activations", query={"limit": limit})

    def activate_site(
        self, code: str, body: models.ActivationCreate, *, idempotency_key: str | None = None
    ) -> Answer[models.ActivationRead]:
        """Record an ethics approval, which lets the site recruit.

        The ethics committee approved one version of the protocol and one of the consent
        form. From `approved_on` the site screens subjects under them (ICH E6(R3)
        4.3.5); there is no way to take it back.

        **Who may** (`activations:create`): `admin` for the whole trial.

        Args:
            code: The hospital's code, as the list gives it.

        Raises:
            TrialProblem: `already_activated` (409), `idempotency_key_reused` (422).
        """
        return self.send(
            "POST",
            f"/v1/sites/{segment(code)}/activations",
            body=body,
            idempotency_key=idempotency_key or fresh_key(),
        )

    def list_all_deviations(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        site: str | None = None,
        code: models.DeviationCode | None = None,
        source: models.DeviationSource | None = None,
    ) -> Answer[models.DeviationPage]:
        """Departures from the protocol at your sites, in the order of their recording.

        **Who may** (`deviations:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
            site: Only this site.
            code: Only of this kind.
            source: Only reported by people, or only noticed by the service.
        """
        return self.send(
            "GET",
            "/v1/deviations",
            query={"limit": limit, "cursor": cursor, "site": site, "code": code, "source": source},
        )

    def iterate_all_deviations(
        self,
        *,
        limit: int | None = None,
        site: str | None = None,
        code: models.DeviationCode | None = None,
        source: models.DeviationSource | None = None,
    ) -> Iterator[models.DeviationRead]:
        """`list_all_deviations`, page after page: every item."""
        return self.pages(
            "GET",
            "/v1/deviations",
            query={"limit": limit, "site": site, "code": code, "source": source},
        )

    def list_deviations(
        self, subject_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.DeviationPage]:
        """Departures from the protocol, reported by people or noticed by the service.

        The service notes those that follow from what is recorded, such as a
        randomization later than the protocol asks for.

        **Who may** (`deviations:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send(
            "GET",
            f"/v1/subjects/{segment(subject_id)}/deviations",
            query={"limit": limit, "cursor": cursor},
        )

    def iterate_deviations(
        self, subject_id: str, *, limit: int | None = None
    ) -> Iterator[models.DeviationRead]:
        """`list_deviations`, page after page: every item."""
        return self.pages(
            "GET", f"/v1/subjects/{segment(subject_id)}/deviations", query={"limit": limit}
        )

    def report_deviation(
        self, subject_id: str, body: models.DeviationCreate, *, idempotency_key: str | None = None
    ) -> Answer[models.DeviationRead]:
        """Report a departure from the protocol.

        It stays as it is reported: a mistaken one is answered by a data query.

        **Who may** (`deviations:create`): `investigator`, `coordinator`, `monitor` at
        their own sites.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.

        Raises:
            TrialProblem: `record_frozen` (409), `record_locked` (409),
                `idempotency_key_reused` (422).
        """
        return self.send(
            "POST",
            f"/v1/subjects/{segment(subject_id)}/deviations",
            body=body,
            idempotency_key=idempotency_key or fresh_key(),
        )

    def read_radiotherapy(self, subject_id: str) -> Answer[models.RadiotherapyRead]:
        """The subject's radiotherapy as planned and delivered.

        Everything is null and the version 0 before anything is recorded.

        **Who may** (`radiotherapy:read`): `investigator`, `coordinator`, `assessor`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.
        """
        return self.send("GET", f"/v1/subjects/{segment(subject_id)}/radiotherapy")

    def record_radiotherapy(
        self, subject_id: str, body: models.RadiotherapyPut, *, if_match: str
    ) -> Answer[models.RadiotherapyRead]:
        """Record the plan, and later what was delivered; the schedule of visits follows it.

        Send the whole of what is known: what is left out is not known any more. A
        stratification factor that is wrong here puts the subject into the wrong
        stratum, and an allocation is never undone; changing it later is a protocol
        deviation.

        **Who may** (`radiotherapy:record`): `investigator`, `coordinator`,
        `hospital_system` at their own sites.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.

        Raises:
            TrialProblem: `subject_closed` (409), `after_leaving` (409), `record_frozen`
                (409), `record_locked` (409), `stale_version` (412).
        """
        return self.send(
            "PUT", f"/v1/subjects/{segment(subject_id)}/radiotherapy", body=body, if_match=if_match
        )

    def read_eligibility(self, subject_id: str) -> Answer[models.EligibilityRead]:
        """The recorded facts and what each criterion says of them today.

        Laboratory values and the ECG grow stale after the screening window: then the
        facts listed in `stale_facts` have to be given anew.

        **Who may** (`eligibility:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.
        """
        return self.send("GET", f"/v1/subjects/{segment(subject_id)}/eligibility")

    def record_eligibility(
        self, subject_id: str, body: models.EligibilityPut, *, if_match: str
    ) -> Answer[models.EligibilityRead]:
        """Record the facts of screening and get every criterion's verdict.

        Units are converted; a fact that is left out makes its criteria `unknown`. New
        facts make a new version, which has to be signed anew.

        **Who may** (`eligibility:record`): `investigator`, `coordinator`,
        `hospital_system` at their own sites.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.

        Raises:
            TrialProblem: `eligibility_closed` (409), `record_frozen` (409),
                `record_locked` (409), `stale_version` (412).
        """
        return self.send(
            "PUT", f"/v1/subjects/{segment(subject_id)}/eligibility", body=body, if_match=if_match
        )

    def sign_eligibility(
        self,
        subject_id: str,
        body: models.EligibilitySignatureCreate,
        *,
        idempotency_key: str | None = None,
    ) -> Answer[models.EligibilitySignatureRead]:
        """Sign the current evaluation as an investigator, with your password once more.

        Your first signature of a session takes the code of your second factor too, if
        you have one; for those after it either is enough.

        **Who may** (`eligibility:sign`): `investigator` at their own sites.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.

        Raises:
            TrialProblem: `people_only` (403), `reauthentication_failed` (403),
                `eligibility_closed` (409), `evaluation_changed` (409), `already_signed`
                (409), `cannot_sign` (409), `record_frozen` (409), `record_locked`
                (409), `idempotency_key_reused` (422), `too_many_requests` (429).
        """
        return self.send(
            "POST",
            f"/v1/subjects/{segment(subject_id)}/eligibility/signature",
            body=body,
            idempotency_key=idempotency_key or fresh_key(),
        )

    def randomize(
        self, subject_id: str, *, idempotency_key: str | None = None
    ) -> Answer[models.RandomizationRead]:
        """Allocate the subject to an arm.

        The subject needs a consent in force, an eligible evaluation signed by an
        investigator, and a radiotherapy plan whose first fraction is not yet delivered;
        what is missing is named in `errors`. Send the same Idempotency-Key when you
        retry: it always gives the same allocation.

        **Who may** (`randomization:create`): `investigator`, `hospital_system` at their
        own sites.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.

        Raises:
            TrialProblem: `not_ready` (409), `already_randomized` (409),
                `recruitment_complete` (409), `record_frozen` (409), `record_locked`
                (409), `idempotency_key_reused` (422), `list_absent` (503),
                `list_unavailable` (503).
        """
        return self.send(
            "POST",
            f"/v1/subjects/{segment(subject_id)}/randomization",
            idempotency_key=idempotency_key or fresh_key(),
        )

    def read_randomization(self, subject_id: str) -> Answer[models.RandomizationRead]:
        """The subject's allocation; assessors receive it without the arm.

        The arm tells the treatment: show it to nobody who grades.

        **Who may** (`randomization:read`): `investigator`, `coordinator`, `assessor`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.

        Raises:
            TrialProblem: `not_randomized` (404).
        """
        return self.send("GET", f"/v1/subjects/{segment(subject_id)}/randomization")

    def list_randomizations(
        self, *, limit: int | None = None, cursor: str | None = None, site: str | None = None
    ) -> Answer[models.RandomizationPage]:
        """Allocations at your sites, oldest first.

        **Who may** (`randomization:read`): `investigator`, `coordinator`, `assessor`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
            site: Only this site.
        """
        return self.send(
            "GET", "/v1/randomizations", query={"limit": limit, "cursor": cursor, "site": site}
        )

    def iterate_randomizations(
        self, *, limit: int | None = None, site: str | None = None
    ) -> Iterator[models.RandomizationRead]:
        """`list_randomizations`, page after page: every item."""
        return self.pages("GET", "/v1/randomizations", query={"limit": limit, "site": site})

    def read_commitment(self) -> Answer[models.CommitmentRead]:
        """What was published of the randomization list before the first allocation.

        Anyone may keep it: it later proves that the list was fixed beforehand.

        **Who may** (`commitment:read`): anyone, without a token.
        """
        return self.send("GET", "/v1/randomization/commitment")

    def read_proof(self, subject_id: str) -> Answer[models.ProofRead]:
        """What shows, with the published commitment alone, that the allocation is the list's.

        `tools/verify_randomization.py` checks it offline.

        **Who may** (`proofs:read`): `statistician`, `auditor` for the whole trial.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.

        Raises:
            TrialProblem: `not_randomized` (404), `list_absent` (503),
                `list_unavailable` (503).
        """
        return self.send("GET", f"/v1/subjects/{segment(subject_id)}/randomization/proof")

    def list_proofs(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.ProofPage]:
        """The proofs of all allocations so far, oldest first.

        **Who may** (`proofs:read`): `statistician`, `auditor` for the whole trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.

        Raises:
            TrialProblem: `list_absent` (503), `list_unavailable` (503).
        """
        return self.send(
            "GET", "/v1/randomization/proofs", query={"limit": limit, "cursor": cursor}
        )

    def iterate_proofs(self, *, limit: int | None = None) -> Iterator[models.ProofRead]:
        """`list_proofs`, page after page: every item."""
        return self.pages("GET", "/v1/randomization/proofs", query={"limit": limit})

    def list_subject_corrections(
        self, subject_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.CorrectionPage]:
        """What is known to have gone wrong when the subject was randomized.

        The allocation itself stands as it was drawn; of a wrong stratum the latest
        correction counts. Empty as long as nothing is recorded.

        **Who may** (`corrections:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send(
            "GET",
            f"/v1/subjects/{segment(subject_id)}/randomization/corrections",
            query={"limit": limit, "cursor": cursor},
        )

    def iterate_subject_corrections(
        self, subject_id: str, *, limit: int | None = None
    ) -> Iterator[models.CorrectionRead]:
        """`list_subject_corrections`, page after page: every item."""
        return self.pages(
            "GET",
            f"/v1/subjects/{segment(subject_id)}/randomization/corrections",
            query={"limit": limit},
        )

    def record_correction(
        self, subject_id: str, body: models.CorrectionCreate, *, idempotency_key: str | None = None
    ) -> Answer[models.CorrectionRead]:
        """Record an error made in randomization; nothing is undone.

        The subject keeps the allocation and stays in the trial. `wrong_stratum` records
        the correct factor values beside the ones used; `ineligible` names the criteria
        that were not met; `duplicate` joins two subjects who are the same person, and
        the first allocation is retained. Each is a protocol deviation too, and none is
        taken back; of a wrong stratum the latest counts.

        **Who may** (`corrections:create`): `data_manager` for the whole trial.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.

        Raises:
            TrialProblem: `nothing_to_correct` (409), `same_stratum` (409),
                `already_paired` (409), `record_frozen` (409), `record_locked` (409),
                `idempotency_key_reused` (422).
        """
        return self.send(
            "POST",
            f"/v1/subjects/{segment(subject_id)}/randomization/corrections",
            body=body,
            idempotency_key=idempotency_key or fresh_key(),
        )

    def list_corrections(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        site: str | None = None,
        kind: models.CorrectionKind | None = None,
    ) -> Answer[models.CorrectionPage]:
        """Errors made in randomization at your sites, oldest first.

        A duplicate has a record at each of its two subjects; you see those of your
        sites.

        **Who may** (`corrections:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
            site: Only this site.
            kind: Only this kind.
        """
        return self.send(
            "GET",
            "/v1/randomization/corrections",
            query={"limit": limit, "cursor": cursor, "site": site, "kind": kind},
        )

    def iterate_corrections(
        self,
        *,
        limit: int | None = None,
        site: str | None = None,
        kind: models.CorrectionKind | None = None,
    ) -> Iterator[models.CorrectionRead]:
        """`list_corrections`, page after page: every item."""
        return self.pages(
            "GET",
            "/v1/randomization/corrections",
            query={"limit": limit, "site": site, "kind": kind},
        )

    def list_all_visits(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        site: str | None = None,
        status: Sequence[models.VisitStatus] | None = None,
        awaits_grading: bool | None = None,
        from_: str | None = None,
        to: str | None = None,
    ) -> Answer[models.SubjectVisitPage]:
        """Visits of all subjects of your sites: what is due today, what is overdue, what comes.

        Filter by status (one or more), site, the range of planned days, and whether a
        grading is awaited: `?awaits_grading=true` lists those that took place and are
        still to be graded. Visits come by subject in the order of enrolment, then by
        planned day; those that left their schedule have no planned day, come last and
        are in no range.

        **Who may** (`visits:read`): `investigator`, `coordinator`, `assessor`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
            site: Only this site.
            status: Only in one of these; give it once for each.
            awaits_grading: Only those that await a grading, or only others: of an
                assessor, one of their own.
            from_: Only planned on this day or later.
            to: Only planned on this day or earlier.
        """
        return self.send(
            "GET",
            "/v1/visits",
            query={
                "limit": limit,
                "cursor": cursor,
                "site": site,
                "status": status,
                "awaits_grading": awaits_grading,
                "from": from_,
                "to": to,
            },
        )

    def iterate_all_visits(
        self,
        *,
        limit: int | None = None,
        site: str | None = None,
        status: Sequence[models.VisitStatus] | None = None,
        awaits_grading: bool | None = None,
        from_: str | None = None,
        to: str | None = None,
    ) -> Iterator[models.SubjectVisitRead]:
        """`list_all_visits`, page after page: every item."""
        return self.pages(
            "GET",
            "/v1/visits",
            query={
                "limit": limit,
                "site": site,
                "status": status,
                "awaits_grading": awaits_grading,
                "from": from_,
                "to": to,
            },
        )

    def list_visits(
        self, subject_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.VisitList]:
        """The subject's schedule, which follows the planned and then the actual radiotherapy.

        Windows are local days, both ends included. They move with the first and the
        last fraction once those are recorded; a visit that took place keeps what was
        written.

        **Who may** (`visits:read`): `investigator`, `coordinator`, `assessor`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send(
            "GET",
            f"/v1/subjects/{segment(subject_id)}/visits",
            query={"limit": limit, "cursor": cursor},
        )

    def iterate_visits(
        self, subject_id: str, *, limit: int | None = None
    ) -> Iterator[models.VisitRead]:
        """`list_visits`, page after page: every item."""
        return self.pages(
            "GET", f"/v1/subjects/{segment(subject_id)}/visits", query={"limit": limit}
        )

    def read_visit(self, subject_id: str, code: str) -> Answer[models.VisitRead]:
        """One visit as scheduled and as recorded.

        **Who may** (`visits:read`): `investigator`, `coordinator`, `assessor`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.
            code: The visit's code in the schedule.
        """
        return self.send("GET", f"/v1/subjects/{segment(subject_id)}/visits/{segment(code)}")

    def record_visit(
        self, subject_id: str, code: str, body: models.VisitPut, *, if_match: str
    ) -> Answer[models.VisitRead]:
        """Record the day a visit took place, or why it was missed.

        The day may be any from the first consent until the subject left the study; what
        is unusual about it is flagged and never refused.

        **Who may** (`visits:record`): `investigator`, `coordinator`, `assessor`,
        `hospital_system` at their own sites.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.
            code: The visit's code in the schedule.

        Raises:
            TrialProblem: `subject_closed` (409), `no_consent` (409), `before_consent`
                (409), `after_leaving` (409), `no_schedule` (409), `visit_has_gradings`
                (409), `record_frozen` (409), `record_locked` (409), `stale_version`
                (412).
        """
        return self.send(
            "PUT",
            f"/v1/subjects/{segment(subject_id)}/visits/{segment(code)}",
            body=body,
            if_match=if_match,
        )

    def list_exposures(
        self, subject_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.ExposurePage]:
        """The study drug a subject took, day by day, each in its current version.

        Whoever reads it learns the arm: assessors may not.

        **Who may** (`exposures:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send(
            "GET",
            f"/v1/subjects/{segment(subject_id)}/exposures",
            query={"limit": limit, "cursor": cursor},
        )

    def iterate_exposures(
        self, subject_id: str, *, limit: int | None = None
    ) -> Iterator[models.ExposureRead]:
        """`list_exposures`, page after page: every item."""
        return self.pages(
            "GET", f"/v1/subjects/{segment(subject_id)}/exposures", query={"limit": limit}
        )

    def record_exposure(
        self, subject_id: str, body: models.ExposureCreate, *, idempotency_key: str | None = None
    ) -> Answer[models.ExposureRead]:
        """Record the study drug that a subject took on one local day.

        Give a reason when fewer applications were taken than the protocol asks for.
        More of them, or study drug outside the protocol's period, is stored, flagged
        and noted as a deviation. A control subject takes none.

        **Who may** (`exposures:record`): `investigator`, `coordinator` at their own
        sites.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.

        Raises:
            TrialProblem: `no_treatment` (409), `no_study_drug` (409), `subject_closed`
                (409), `no_consent` (409), `before_consent` (409), `after_leaving`
                (409), `treatment_discontinued` (409), `day_recorded` (409),
                `record_frozen` (409), `record_locked` (409), `idempotency_key_reused`
                (422).
        """
        return self.send(
            "POST",
            f"/v1/subjects/{segment(subject_id)}/exposures",
            body=body,
            idempotency_key=idempotency_key or fresh_key(),
        )

    def read_exposure(self, exposure_id: str) -> Answer[models.ExposureRead]:
        """The study drug of one day in its current version.

        **Who may** (`exposures:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            exposure_id: The exposure's `id`; one of another site does not exist for
                you.
        """
        return self.send("GET", f"/v1/exposures/{segment(exposure_id)}")

    def correct_exposure(
        self, exposure_id: str, body: models.ExposurePatch, *, if_match: str
    ) -> Answer[models.ExposureRead]:
        """Correct the study drug of one day with a reason; the day itself stays.

        The version before stays readable in the audit trail.

        **Who may** (`exposures:record`): `investigator`, `coordinator` at their own
        sites.

        Args:
            exposure_id: The exposure's `id`; one of another site does not exist for
                you.

        Raises:
            TrialProblem: `after_leaving` (409), `treatment_discontinued` (409),
                `record_frozen` (409), `record_locked` (409), `stale_version` (412).
        """
        return self.send(
            "PATCH", f"/v1/exposures/{segment(exposure_id)}", body=body, if_match=if_match
        )

    def read_discontinuation(self, subject_id: str) -> Answer[models.DiscontinuationRead]:
        """When and why the subject ended treatment, and left the study.

        Both parts are null and the version is 0 as long as nothing is discontinued.

        **Who may** (`discontinuation:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.
        """
        return self.send("GET", f"/v1/subjects/{segment(subject_id)}/discontinuation")

    def record_discontinuation(
        self, subject_id: str, body: models.DiscontinuationPut, *, if_match: str
    ) -> Answer[models.DiscontinuationRead]:
        """Record that the subject ended treatment, left the study, or both.

        Follow-up goes on after the end of treatment: visits and gradings stay open.
        Leaving the study moves the subject to `withdrawn`, `lost_to_follow_up` or
        `died`, sets `left_on`, and ends the treatment too; nothing takes it back.

        **Who may** (`discontinuation:record`): `investigator` at their own sites.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.

        Raises:
            TrialProblem: `subject_closed` (409), `no_consent` (409), `no_treatment`
                (409), `no_study_drug` (409), `nothing_discontinued` (409),
                `left_for_good` (409), `cause_contradicts_status` (409),
                `move_not_allowed` (409), `record_frozen` (409), `record_locked` (409),
                `stale_version` (412).
        """
        return self.send(
            "PUT",
            f"/v1/subjects/{segment(subject_id)}/discontinuation",
            body=body,
            if_match=if_match,
        )

    def list_gradings(
        self, subject_id: str, code: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.GradingPage]:
        """The gradings made at one visit, each in its current version.

        Assessors see each other's gradings of a visit once they graded it themselves.

        **Who may** (`gradings:read`): `investigator`, `coordinator`, `assessor`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.
            code: The visit's code in the schedule.
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send(
            "GET",
            f"/v1/subjects/{segment(subject_id)}/visits/{segment(code)}/gradings",
            query={"limit": limit, "cursor": cursor},
        )

    def iterate_gradings(
        self, subject_id: str, code: str, *, limit: int | None = None
    ) -> Iterator[models.GradingRead]:
        """`list_gradings`, page after page: every item."""
        return self.pages(
            "GET",
            f"/v1/subjects/{segment(subject_id)}/visits/{segment(code)}/gradings",
            query={"limit": limit},
        )

    def create_grading(
        self,
        subject_id: str,
        code: str,
        body: models.GradingCreate,
        *,
        idempotency_key: str | None = None,
    ) -> Answer[models.GradingRead]:
        """Record your grading at a visit: what you saw, and the grade you conclude.

        The grades that follow from the components on the protocol's scales are answered
        beside the entered one, which is never changed. A second assessor grades without
        seeing the first grading; when the two differ, an adjudication is opened, and
        its decision counts.

        **Who may** (`gradings:create`): `investigator`, `assessor` at their own sites.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.
            code: The visit's code in the schedule.

        Raises:
            TrialProblem: `subject_closed` (409), `no_consent` (409), `before_consent`
                (409), `after_leaving` (409), `visit_not_graded` (409),
                `visit_not_recorded` (409), `already_graded` (409),
                `second_grading_by_assessor` (409), `graded_on_other_day` (409),
                `record_frozen` (409), `record_locked` (409), `idempotency_key_reused`
                (422).
        """
        return self.send(
            "POST",
            f"/v1/subjects/{segment(subject_id)}/visits/{segment(code)}/gradings",
            body=body,
            idempotency_key=idempotency_key or fresh_key(),
        )

    def read_grading(self, grading_id: str) -> Answer[models.GradingRead]:
        """One grading in its current version.

        **Who may** (`gradings:read`): `investigator`, `coordinator`, `assessor`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.

        Args:
            grading_id: The grading's `id`; one of another site does not exist for you.
        """
        return self.send("GET", f"/v1/gradings/{segment(grading_id)}")

    def correct_grading(
        self, grading_id: str, body: models.GradingPatch, *, if_match: str
    ) -> Answer[models.GradingRead]:
        """Correct your own grading; the version before stays readable.

        Only the author may. The new version voids the signature, and the endpoint is
        derived from it.

        **Who may** (`gradings:correct`): `investigator`, `assessor` at their own sites.

        Args:
            grading_id: The grading's `id`; one of another site does not exist for you.

        Raises:
            TrialProblem: `not_the_author` (403), `subject_closed` (409),
                `before_consent` (409), `after_leaving` (409), `visit_not_recorded`
                (409), `record_frozen` (409), `record_locked` (409), `stale_version`
                (412).
        """
        return self.send(
            "PATCH", f"/v1/gradings/{segment(grading_id)}", body=body, if_match=if_match
        )

    def list_grading_versions(
        self, grading_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.GradingPage]:
        """Every version of a grading, oldest first, with the reason of each change.

        **Who may** (`gradings:read`): `investigator`, `coordinator`, `assessor`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.

        Args:
            grading_id: The grading's `id`; one of another site does not exist for you.
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send(
            "GET",
            f"/v1/gradings/{segment(grading_id)}/versions",
            query={"limit": limit, "cursor": cursor},
        )

    def iterate_grading_versions(
        self, grading_id: str, *, limit: int | None = None
    ) -> Iterator[models.GradingRead]:
        """`list_grading_versions`, page after page: every item."""
        return self.pages(
            "GET", f"/v1/gradings/{segment(grading_id)}/versions", query={"limit": limit}
        )

    def sign_grading(
        self, grading_id: str, body: models.SignatureCreate, *, idempotency_key: str | None = None
    ) -> Answer[models.SignatureRead]:
        """Sign your own grading in its current version, with your password once more.

        The signature covers the version that you read; a correction voids it, and the
        grading is signed anew.

        **Who may** (`gradings:sign`): `investigator`, `assessor` at their own sites.

        Args:
            grading_id: The grading's `id`; one of another site does not exist for you.

        Raises:
            TrialProblem: `not_the_author` (403), `people_only` (403),
                `reauthentication_failed` (403), `already_signed` (409),
                `content_changed` (409), `record_frozen` (409), `record_locked` (409),
                `idempotency_key_reused` (422), `too_many_requests` (429).
        """
        return self.send(
            "POST",
            f"/v1/gradings/{segment(grading_id)}/signature",
            body=body,
            idempotency_key=idempotency_key or fresh_key(),
        )

    def list_adjudications(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        site: str | None = None,
        subject_id: str | None = None,
        status: models.AdjudicationStatus | None = None,
    ) -> Answer[models.AdjudicationPage]:
        """Visits of your sites whose gradings differ or differed, in their current version.

        The endpoint waits for those that are `open`.

        **Who may** (`adjudications:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
            site: Only this site.
            subject_id: Only this subject.
            status: Only open or only decided ones.
        """
        return self.send(
            "GET",
            "/v1/adjudications",
            query={
                "limit": limit,
                "cursor": cursor,
                "site": site,
                "subject_id": subject_id,
                "status": status,
            },
        )

    def iterate_adjudications(
        self,
        *,
        limit: int | None = None,
        site: str | None = None,
        subject_id: str | None = None,
        status: models.AdjudicationStatus | None = None,
    ) -> Iterator[models.AdjudicationRead]:
        """`list_adjudications`, page after page: every item."""
        return self.pages(
            "GET",
            "/v1/adjudications",
            query={"limit": limit, "site": site, "subject_id": subject_id, "status": status},
        )

    def read_adjudication(self, adjudication_id: str) -> Answer[models.AdjudicationRead]:
        """One adjudication in its current version.

        **Who may** (`adjudications:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            adjudication_id: The adjudication's `id`; one of another site does not exist
                for you.
        """
        return self.send("GET", f"/v1/adjudications/{segment(adjudication_id)}")

    def decide_adjudication(
        self, adjudication_id: str, body: models.AdjudicationPatch, *, if_match: str
    ) -> Answer[models.AdjudicationRead]:
        """Decide which grade counts for the visit, or correct the decision.

        The adjudicator is an investigator of the site who graded nothing at the visit.
        The gradings stay as they are; the endpoint reads the decision.

        **Who may** (`adjudications:decide`): `investigator` at their own sites.

        Args:
            adjudication_id: The adjudication's `id`; one of another site does not exist
                for you.

        Raises:
            TrialProblem: `adjudicator_graded` (403), `record_frozen` (409),
                `record_locked` (409), `stale_version` (412).
        """
        return self.send(
            "PATCH", f"/v1/adjudications/{segment(adjudication_id)}", body=body, if_match=if_match
        )

    def read_endpoint(self, subject_id: str) -> Answer[models.EndpointRead]:
        """The subject's primary and secondary outcome as of today.

        `event` as soon as an assessment in the window is severe; `no_event` when the
        window is over with enough of them, `not_evaluable` without. Derived anew at
        each request, with the deciding grading and its version.

        **Who may** (`endpoint:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.
        """
        return self.send("GET", f"/v1/subjects/{segment(subject_id)}/endpoint")

    def list_subject_adverse_events(
        self, subject_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.AdverseEventPage]:
        """A subject's adverse events, each in its current version.

        **Who may** (`adverse_events:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send(
            "GET",
            f"/v1/subjects/{segment(subject_id)}/adverse-events",
            query={"limit": limit, "cursor": cursor},
        )

    def iterate_subject_adverse_events(
        self, subject_id: str, *, limit: int | None = None
    ) -> Iterator[models.AdverseEventRead]:
        """`list_subject_adverse_events`, page after page: every item."""
        return self.pages(
            "GET", f"/v1/subjects/{segment(subject_id)}/adverse-events", query={"limit": limit}
        )

    def report_adverse_event(
        self,
        subject_id: str,
        body: models.AdverseEventCreate,
        *,
        idempotency_key: str | None = None,
    ) -> Answer[models.AdverseEventRead]:
        """Report an adverse event.

        `grade` is the severity and must exist for the term in CTCAE; whether the event
        is `serious` is a separate judgment by the criteria of ICH E2B(R3). When the
        severity changes, report the new grade with `continues`.

        **Who may** (`adverse_events:create`): `investigator`, `coordinator`,
        `hospital_system` at their own sites.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.

        Raises:
            TrialProblem: `no_consent` (409), `death_not_recorded` (409),
                `already_continued` (409), `record_frozen` (409), `record_locked` (409),
                `idempotency_key_reused` (422).
        """
        return self.send(
            "POST",
            f"/v1/subjects/{segment(subject_id)}/adverse-events",
            body=body,
            idempotency_key=idempotency_key or fresh_key(),
        )

    def list_adverse_events(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        site: str | None = None,
        serious: bool | None = None,
        grade: int | None = None,
        term: str | None = None,
        case_id: str | None = None,
        nullified: bool | None = None,
        suspected: bool | None = None,
    ) -> Answer[models.AdverseEventPage]:
        """Adverse events at your sites, each in its current version.

        Filter by site, severity, seriousness, term or case; an event of several grades
        is one case with several occurrences.

        **Who may** (`adverse_events:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
            site: Only this site.
            serious: Only serious ones, or only others.
            grade: Only this severity.
            term: Only this term of CTCAE, in its wording.
            case_id: Only the occurrences of this case.
            nullified: Only nullified ones, or only those that stand.
            suspected: Only those that the study drug may have caused, or only others.
        """
        return self.send(
            "GET",
            "/v1/adverse-events",
            query={
                "limit": limit,
                "cursor": cursor,
                "site": site,
                "serious": serious,
                "grade": grade,
                "term": term,
                "case_id": case_id,
                "nullified": nullified,
                "suspected": suspected,
            },
        )

    def iterate_adverse_events(
        self,
        *,
        limit: int | None = None,
        site: str | None = None,
        serious: bool | None = None,
        grade: int | None = None,
        term: str | None = None,
        case_id: str | None = None,
        nullified: bool | None = None,
        suspected: bool | None = None,
    ) -> Iterator[models.AdverseEventRead]:
        """`list_adverse_events`, page after page: every item."""
        return self.pages(
            "GET",
            "/v1/adverse-events",
            query={
                "limit": limit,
                "site": site,
                "serious": serious,
                "grade": grade,
                "term": term,
                "case_id": case_id,
                "nullified": nullified,
                "suspected": suspected,
            },
        )

    def read_adverse_event(self, event_id: str) -> Answer[models.AdverseEventRead]:
        """One adverse event in its current version.

        **Who may** (`adverse_events:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            event_id: The adverse event's `id`; one of another site does not exist for
                you.
        """
        return self.send("GET", f"/v1/adverse-events/{segment(event_id)}")

    def correct_adverse_event(
        self, event_id: str, body: models.AdverseEventPatch, *, if_match: str
    ) -> Answer[models.AdverseEventRead]:
        """Add a follow-up or correct a report; as a safety officer, assess it; or nullify it.

        The version before stays readable. Sites change what they reported; the safety
        officer changes `sponsor_causality`, `expectedness` and the coding in MedDRA. A
        term is that of the whole case: its other occurrences follow.

        **Who may** (`adverse_events:correct`): `investigator`, `coordinator`,
        `hospital_system` at their own sites; `safety_officer` for the whole trial.

        Args:
            event_id: The adverse event's `id`; one of another site does not exist for
                you.

        Raises:
            TrialProblem: `not_yours_to_assess` (403), `nullified` (409),
                `still_continued` (409), `death_not_recorded` (409),
                `no_reference_document` (409), `no_consent` (409), `record_frozen`
                (409), `record_locked` (409), `stale_version` (412).
        """
        return self.send(
            "PATCH", f"/v1/adverse-events/{segment(event_id)}", body=body, if_match=if_match
        )

    def list_adverse_event_versions(
        self, event_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.AdverseEventPage]:
        """Every version of an adverse event, oldest first, with the reason of each change.

        **Who may** (`adverse_events:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            event_id: The adverse event's `id`; one of another site does not exist for
                you.
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send(
            "GET",
            f"/v1/adverse-events/{segment(event_id)}/versions",
            query={"limit": limit, "cursor": cursor},
        )

    def iterate_adverse_event_versions(
        self, event_id: str, *, limit: int | None = None
    ) -> Iterator[models.AdverseEventRead]:
        """`list_adverse_event_versions`, page after page: every item."""
        return self.pages(
            "GET", f"/v1/adverse-events/{segment(event_id)}/versions", query={"limit": limit}
        )

    def sign_adverse_event(
        self, event_id: str, body: models.SignatureCreate, *, idempotency_key: str | None = None
    ) -> Answer[models.SignatureRead]:
        """Sign as an investigator that you have reviewed the event, with your password once more.

        The signature covers the version that you read; a later follow-up, correction or
        assessment voids it, and the event is reviewed anew.

        **Who may** (`adverse_events:sign`): `investigator` at their own sites.

        Args:
            event_id: The adverse event's `id`; one of another site does not exist for
                you.

        Raises:
            TrialProblem: `people_only` (403), `reauthentication_failed` (403),
                `already_signed` (409), `content_changed` (409), `record_frozen` (409),
                `record_locked` (409), `idempotency_key_reused` (422),
                `too_many_requests` (429).
        """
        return self.send(
            "POST",
            f"/v1/adverse-events/{segment(event_id)}/signature",
            body=body,
            idempotency_key=idempotency_key or fresh_key(),
        )

    def read_case_report(self, event_id: str) -> Answer[models.CaseReport]:
        """The case report of a suspected unexpected serious adverse reaction, in ICH E2B(R3).

        It tells of the whole case, with every occurrence, as the records stand now: a
        follow-up has the same identifier and later information, and a nullified case
        gives its nullification. As `application/xml` it is the message, as
        `application/json` the same content with the numbers of the elements. It names
        the study drug that the subject was given, and so the arm.

        **Who may** (`case_reports:read`): `investigator` at their own sites;
        `safety_officer`, `auditor` for the whole trial.

        Args:
            event_id: The adverse event's `id`; one of another site does not exist for
                you.

        Raises:
            TrialProblem: `not_reportable` (409).
        """
        return self.send("GET", f"/v1/adverse-events/{segment(event_id)}/case-report")

    def read_case_report_as_file(self, event_id: str) -> Download:
        """`read_case_report` as a file."""
        return self.download(
            "GET", f"/v1/adverse-events/{segment(event_id)}/case-report", accept="application/xml"
        )

    def list_deadlines(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: Sequence[models.DeadlineState] | None = None,
        late: bool | None = None,
        site: str | None = None,
        subject_id: str | None = None,
        case_id: str | None = None,
        event_id: str | None = None,
        recipient: models.Recipient | None = None,
        clock: str | None = None,
    ) -> Answer[models.DeadlinePage]:
        """Reports that are owed at your sites, and those that were, in the order of their opening.

        Nothing disappears: a deadline that was met or has lapsed stays, with when and
        why.

        **Who may** (`deadlines:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
            state: Only in these states.
            late: Only those that are overdue or were so when they were met or lapsed,
                or only others.
            site: Only this site.
            subject_id: Only about this subject.
            case_id: Only about this case.
            event_id: Only those that this occurrence started.
            recipient: Only those owed to this recipient.
            clock: Only of this clock.
        """
        return self.send(
            "GET",
            "/v1/safety/deadlines",
            query={
                "limit": limit,
                "cursor": cursor,
                "state": state,
                "late": late,
                "site": site,
                "subject_id": subject_id,
                "case_id": case_id,
                "event_id": event_id,
                "recipient": recipient,
                "clock": clock,
            },
        )

    def iterate_deadlines(
        self,
        *,
        limit: int | None = None,
        state: Sequence[models.DeadlineState] | None = None,
        late: bool | None = None,
        site: str | None = None,
        subject_id: str | None = None,
        case_id: str | None = None,
        event_id: str | None = None,
        recipient: models.Recipient | None = None,
        clock: str | None = None,
    ) -> Iterator[models.DeadlineRead]:
        """`list_deadlines`, page after page: every item."""
        return self.pages(
            "GET",
            "/v1/safety/deadlines",
            query={
                "limit": limit,
                "state": state,
                "late": late,
                "site": site,
                "subject_id": subject_id,
                "case_id": case_id,
                "event_id": event_id,
                "recipient": recipient,
                "clock": clock,
            },
        )

    def read_deadline(self, deadline_id: str) -> Answer[models.DeadlineRead]:
        """One deadline as it is now.

        **Who may** (`deadlines:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            deadline_id: The deadline's `id`; one of another site does not exist for
                you.
        """
        return self.send("GET", f"/v1/safety/deadlines/{segment(deadline_id)}")

    def list_deadline_versions(
        self, deadline_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.DeadlinePage]:
        """Every version of a deadline, oldest first: how its clock was moved, met or ended.

        **Who may** (`deadlines:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            deadline_id: The deadline's `id`; one of another site does not exist for
                you.
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send(
            "GET",
            f"/v1/safety/deadlines/{segment(deadline_id)}/versions",
            query={"limit": limit, "cursor": cursor},
        )

    def iterate_deadline_versions(
        self, deadline_id: str, *, limit: int | None = None
    ) -> Iterator[models.DeadlineRead]:
        """`list_deadline_versions`, page after page: every item."""
        return self.pages(
            "GET", f"/v1/safety/deadlines/{segment(deadline_id)}/versions", query={"limit": limit}
        )

    def list_submissions(
        self, event_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.SubmissionPage]:
        """What was reported of the event's case, and to whom, in the order of recording.

        **Who may** (`submissions:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            event_id: The adverse event's `id`; one of another site does not exist for
                you.
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send(
            "GET",
            f"/v1/adverse-events/{segment(event_id)}/submissions",
            query={"limit": limit, "cursor": cursor},
        )

    def iterate_submissions(
        self, event_id: str, *, limit: int | None = None
    ) -> Iterator[models.SubmissionRead]:
        """`list_submissions`, page after page: every item."""
        return self.pages(
            "GET", f"/v1/adverse-events/{segment(event_id)}/submissions", query={"limit": limit}
        )

    def record_submission(
        self, event_id: str, body: models.SubmissionCreate, *, idempotency_key: str | None = None
    ) -> Answer[models.SubmissionRead]:
        """Record that an event's case was reported; the deadlines that it meets are met.

        Each recipient first gets an initial report, and later ones as follow-ups.

        **Who may** (`submissions:record`): `safety_officer` for the whole trial.

        Args:
            event_id: The adverse event's `id`; one of another site does not exist for
                you.

        Raises:
            TrialProblem: `event_not_serious` (409), `event_nullified` (409),
                `event_not_nullified` (409), `no_initial_report` (409),
                `already_reported` (409), `idempotency_key_reused` (422).
        """
        return self.send(
            "POST",
            f"/v1/adverse-events/{segment(event_id)}/submissions",
            body=body,
            idempotency_key=idempotency_key or fresh_key(),
        )

    def read_submission(self, event_id: str, submission_id: str) -> Answer[models.SubmissionRead]:
        """One submission in its current version.

        **Who may** (`submissions:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            event_id: The adverse event's `id`; one of another site does not exist for
                you.
            submission_id: The submission's `id`, of that event's case.
        """
        return self.send(
            "GET", f"/v1/adverse-events/{segment(event_id)}/submissions/{segment(submission_id)}"
        )

    def correct_submission(
        self, event_id: str, submission_id: str, body: models.SubmissionPatch, *, if_match: str
    ) -> Answer[models.SubmissionRead]:
        """Correct when a report was sent or how it was acknowledged, or withdraw the record of it.

        A deadline that only a withdrawn submission had met is open again.

        **Who may** (`submissions:record`): `safety_officer` for the whole trial.

        Args:
            event_id: The adverse event's `id`; one of another site does not exist for
                you.
            submission_id: The submission's `id`, of that event's case.

        Raises:
            TrialProblem: `submission_withdrawn` (409), `no_initial_report` (409),
                `stale_version` (412).
        """
        return self.send(
            "PATCH",
            f"/v1/adverse-events/{segment(event_id)}/submissions/{segment(submission_id)}",
            body=body,
            if_match=if_match,
        )

    def list_stopping_rules(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.StoppingRulePage]:
        """The protocol's stopping rules, their boundaries, and how each stands.

        They are evaluated after every randomization and every report about an adverse
        event. The service announces a rule that is reached; it stops nothing.

        **Who may** (`stopping_rules:read`): `safety_officer`, `dmc` for the whole
        trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send(
            "GET", "/v1/safety/stopping-rules", query={"limit": limit, "cursor": cursor}
        )

    def iterate_stopping_rules(
        self, *, limit: int | None = None
    ) -> Iterator[models.StoppingRuleRead]:
        """`list_stopping_rules`, page after page: every item."""
        return self.pages("GET", "/v1/safety/stopping-rules", query={"limit": limit})

    def list_stopping_evaluations(
        self, rule_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.EvaluationPage]:
        """How a rule stood each time that its figures changed, oldest first.

        **Who may** (`stopping_rules:read`): `safety_officer`, `dmc` for the whole
        trial.

        Args:
            rule_id: The rule's `id` in the protocol.
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send(
            "GET",
            f"/v1/safety/stopping-rules/{segment(rule_id)}/evaluations",
            query={"limit": limit, "cursor": cursor},
        )

    def iterate_stopping_evaluations(
        self, rule_id: str, *, limit: int | None = None
    ) -> Iterator[models.EvaluationRead]:
        """`list_stopping_evaluations`, page after page: every item."""
        return self.pages(
            "GET",
            f"/v1/safety/stopping-rules/{segment(rule_id)}/evaluations",
            query={"limit": limit},
        )

    def list_terms(
        self, *, limit: int | None = None, cursor: str | None = None, q: str | None = None
    ) -> Answer[models.TermPage]:
        """Find terms to report an adverse event with, while somebody types.

        Capitals, accents and punctuation do not matter. Terms that begin with `q` come
        first, then those of which a word does, then those that hold it.

        **Who may** (`study:read`): every role.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
            q: What somebody has typed of a term, or of its MedDRA code; all terms
                without.
        """
        return self.send("GET", "/v1/terms", query={"limit": limit, "cursor": cursor, "q": q})

    def iterate_terms(
        self, *, limit: int | None = None, q: str | None = None
    ) -> Iterator[models.TermRead]:
        """`list_terms`, page after page: every item."""
        return self.pages("GET", "/v1/terms", query={"limit": limit, "q": q})

    def read_labels(self) -> Answer[models.LabelsRead]:
        """Every label of enumerations, problems and the protocol, in your language.

        In Simplified Chinese for an `Accept-Language` that prefers `zh`, `zh-CN`,
        `zh-SG` or `zh-Hans`, else in English; never refused for its language. Read it
        once when a front-end starts: it is the same for everyone, and may be kept for
        ten minutes and then asked for by its ETag.

        **Who may** (`study:read`): every role.
        """
        return self.send("GET", "/v1/labels")

    def list_reference_documents(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.ReferenceDocumentPage]:
        """Every version of the reference safety information, by which events are expected or not.

        **Who may** (`reference_documents:read`): `investigator`, `coordinator`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send(
            "GET", "/v1/safety/reference-documents", query={"limit": limit, "cursor": cursor}
        )

    def iterate_reference_documents(
        self, *, limit: int | None = None
    ) -> Iterator[models.ReferenceDocumentRead]:
        """`list_reference_documents`, page after page: every item."""
        return self.pages("GET", "/v1/safety/reference-documents", query={"limit": limit})

    def publish_reference_document(
        self, body: models.ReferenceDocumentCreate, *, idempotency_key: str | None = None
    ) -> Answer[models.ReferenceDocumentRead]:
        """Publish a version of the reference safety information; it never changes afterwards.

        It decides for events that begin on `effective_on` or later, until the next
        version takes effect. Only the trial's first version may take effect before
        today. Assessments that were made stay as they are, with the version that they
        were made by.

        **Who may** (`reference_documents:create`): `safety_officer` for the whole
        trial.

        Raises:
            TrialProblem: `version_published` (409), `idempotency_key_reused` (422).
        """
        return self.send(
            "POST",
            "/v1/safety/reference-documents",
            body=body,
            idempotency_key=idempotency_key or fresh_key(),
        )

    def read_reference_document(self, version: str) -> Answer[models.ReferenceDocumentRead]:
        """One version of the reference safety information.

        **Who may** (`reference_documents:read`): `investigator`, `coordinator`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.

        Args:
            version: What the document calls its version.
        """
        return self.send("GET", f"/v1/safety/reference-documents/{segment(version)}")

    def list_queries(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        site: str | None = None,
        status: models.QueryStatus | None = None,
        subject_id: str | None = None,
        record: models.RecordKind | None = None,
        origin: models.QueryOrigin | None = None,
    ) -> Answer[models.QueryPage]:
        """Data queries at your sites, oldest first.

        An assessor sees those about their own gradings.

        **Who may** (`queries:read`): `investigator`, `coordinator`, `assessor`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
            site: Only this site.
            status: Only this status.
            subject_id: Only this subject.
            record: Only about this kind of record.
            origin: Only people's, or only the service's.
        """
        return self.send(
            "GET",
            "/v1/queries",
            query={
                "limit": limit,
                "cursor": cursor,
                "site": site,
                "status": status,
                "subject_id": subject_id,
                "record": record,
                "origin": origin,
            },
        )

    def iterate_queries(
        self,
        *,
        limit: int | None = None,
        site: str | None = None,
        status: models.QueryStatus | None = None,
        subject_id: str | None = None,
        record: models.RecordKind | None = None,
        origin: models.QueryOrigin | None = None,
    ) -> Iterator[models.QueryRead]:
        """`list_queries`, page after page: every item."""
        return self.pages(
            "GET",
            "/v1/queries",
            query={
                "limit": limit,
                "site": site,
                "status": status,
                "subject_id": subject_id,
                "record": record,
                "origin": origin,
            },
        )

    def raise_query(
        self, body: models.QueryCreate, *, idempotency_key: str | None = None
    ) -> Answer[models.QueryRead]:
        """Ask the site about something recorded: a field, or a whole record.

        Ask one thing at a time: each query is answered and closed by itself.

        **Who may** (`queries:create`): `monitor` at their own sites; `data_manager` for
        the whole trial.

        Raises:
            TrialProblem: `record_frozen` (409), `record_locked` (409),
                `idempotency_key_reused` (422).
        """
        return self.send(
            "POST", "/v1/queries", body=body, idempotency_key=idempotency_key or fresh_key()
        )

    def read_query(self, query_id: str) -> Answer[models.QueryRead]:
        """One data query with its whole conversation.

        **Who may** (`queries:read`): `investigator`, `coordinator`, `assessor`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.

        Args:
            query_id: The query's `id`; one of another site does not exist for you.
        """
        return self.send("GET", f"/v1/queries/{segment(query_id)}")

    def change_query(
        self, query_id: str, body: models.QueryPatch, *, if_match: str
    ) -> Answer[models.QueryRead]:
        """Answer a data query, reopen it or close it.

        The site answers, and may answer again to correct itself; whoever raised the
        query closes it, or reopens it with what is still missing. The record itself is
        corrected at its own address. What the service asked, it closes by itself once
        the data is corrected.

        **Who may** (`queries:change`): `investigator`, `coordinator`, `assessor`,
        `monitor`, `hospital_system` at their own sites; `data_manager` for the whole
        trial.

        Args:
            query_id: The query's `id`; one of another site does not exist for you.

        Raises:
            TrialProblem: `site_answers` (403), `not_the_opener` (403),
                `query_move_not_allowed` (409), `record_frozen` (409), `record_locked`
                (409), `stale_version` (412).
        """
        return self.send("PATCH", f"/v1/queries/{segment(query_id)}", body=body, if_match=if_match)

    def list_grading_verifications(
        self, grading_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.VerificationPage]:
        """Who compared which versions of a grading with their source.

        **Who may** (`verifications:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            grading_id: The grading's `id`; one of another site does not exist for you.
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send(
            "GET",
            f"/v1/gradings/{segment(grading_id)}/verifications",
            query={"limit": limit, "cursor": cursor},
        )

    def iterate_grading_verifications(
        self, grading_id: str, *, limit: int | None = None
    ) -> Iterator[models.VerificationRead]:
        """`list_grading_verifications`, page after page: every item."""
        return self.pages(
            "GET", f"/v1/gradings/{segment(grading_id)}/verifications", query={"limit": limit}
        )

    def verify_grading(
        self,
        grading_id: str,
        body: models.VerificationCreate,
        *,
        idempotency_key: str | None = None,
    ) -> Answer[models.VerificationRead]:
        """Record that a grading, in its current version, agrees with its source.

        Where it does not, raise a query instead. A correction makes the grading need
        verifying again.

        **Who may** (`verifications:create`): `monitor` at their own sites.

        Args:
            grading_id: The grading's `id`; one of another site does not exist for you.

        Raises:
            TrialProblem: `not_the_current_version` (409), `already_verified` (409),
                `record_frozen` (409), `record_locked` (409), `idempotency_key_reused`
                (422).
        """
        return self.send(
            "POST",
            f"/v1/gradings/{segment(grading_id)}/verifications",
            body=body,
            idempotency_key=idempotency_key or fresh_key(),
        )

    def list_verifications(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        site: str | None = None,
        state: models.VerificationState | None = None,
    ) -> Answer[models.GradingToVerifyPage]:
        """The gradings at your sites and where each stands in source data verification.

        It is the monitor's work list: filter by `state` for what is still to be
        compared.

        **Who may** (`verifications:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
            site: Only this site.
            state: Only this state.
        """
        return self.send(
            "GET",
            "/v1/verifications",
            query={"limit": limit, "cursor": cursor, "site": site, "state": state},
        )

    def iterate_verifications(
        self,
        *,
        limit: int | None = None,
        site: str | None = None,
        state: models.VerificationState | None = None,
    ) -> Iterator[models.GradingToVerify]:
        """`list_verifications`, page after page: every item."""
        return self.pages(
            "GET", "/v1/verifications", query={"limit": limit, "site": site, "state": state}
        )

    def read_subject_lock(self, subject_id: str) -> Answer[models.LockRead]:
        """Whether the subject's record is open, frozen or locked.

        The trial's own state binds it too: the stricter of the two holds.

        **Who may** (`locks:read`): `investigator`, `coordinator`, `assessor`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.
        """
        return self.send("GET", f"/v1/subjects/{segment(subject_id)}/lock")

    def set_subject_lock(
        self, subject_id: str, body: models.LockPut, *, if_match: str
    ) -> Answer[models.LockRead]:
        """Freeze or lock the subject's record, or open it again; every change says why.

        A locked record is changed by nobody, not by the service itself: PostgreSQL
        refuses. It is locked only when no query about it and no adjudication is left.

        **Who may** (`locks:set`): `data_manager` for the whole trial.

        Args:
            subject_id: The subject's `id`; one of another site does not exist for you.

        Raises:
            TrialProblem: `already_in_state` (409), `review_open` (409), `stale_version`
                (412).
        """
        return self.send(
            "PUT", f"/v1/subjects/{segment(subject_id)}/lock", body=body, if_match=if_match
        )

    def read_study_lock(self) -> Answer[models.LockRead]:
        """Whether the trial is open, frozen or locked, for every subject at once.

        It binds every subject; a subject's own state may be stricter.

        **Who may** (`locks:read`): `investigator`, `coordinator`, `assessor`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.
        """
        return self.send("GET", "/v1/study/lock")

    def set_study_lock(self, body: models.LockPut, *, if_match: str) -> Answer[models.LockRead]:
        """Freeze or lock the trial, or open it again: every subject's record, and enrolment.

        It is locked only when no query and no adjudication in the trial is left.

        **Who may** (`locks:set`): `data_manager` for the whole trial.

        Raises:
            TrialProblem: `already_in_state` (409), `review_open` (409), `stale_version`
                (412).
        """
        return self.send("PUT", "/v1/study/lock", body=body, if_match=if_match)

    def read_randomization_report(self) -> Answer[models.RandomizationReport]:
        """How randomization went: subjects randomized, and errors recorded since.

        For each of your sites and for them together, blind to arm.

        **Who may** (`randomization_report:read`): `investigator`, `coordinator`,
        `monitor`, `hospital_system` at their own sites; `data_manager`,
        `safety_officer`, `statistician`, `auditor` for the whole trial.
        """
        return self.send("GET", "/v1/reports/randomization")

    def read_recruitment_report(
        self, *, format: models.ReportFormat | None = None, site: str | None = None
    ) -> Answer[models.Recruitment]:
        """Inclusions by site and week, against the target and with a forecast; blind to arm.

        Target, planned line and forecast are the trial's: they stand in the report over
        all sites only.

        **Who may** (`reports:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            format: `html` is one page that loads nothing else; `pdf` is for print.
            site: One of your sites; without it, all of them.

        Raises:
            TrialProblem: `reports_busy` (503), `report_too_slow` (503),
                `reports_not_installed` (503).
        """
        return self.send("GET", "/v1/reports/recruitment", query={"format": format, "site": site})

    def read_recruitment_report_as_file(
        self, format: models.ReportFormat, *, site: str | None = None
    ) -> Download:
        """`read_recruitment_report` as a file."""
        return self.download(
            "GET", "/v1/reports/recruitment", query={"format": format, "site": site}
        )

    def read_consort_report(
        self, *, format: models.ReportFormat | None = None, site: str | None = None
    ) -> Answer[models.Consort]:
        """The flow of subjects: screened, excluded and why, randomized, discontinued, analysed.

        All arms together.

        **Who may** (`reports:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            format: `html` is one page that loads nothing else; `pdf` is for print.
            site: One of your sites; without it, all of them.

        Raises:
            TrialProblem: `reports_busy` (503), `report_too_slow` (503),
                `reports_not_installed` (503).
        """
        return self.send("GET", "/v1/reports/consort", query={"format": format, "site": site})

    def read_consort_report_as_file(
        self, format: models.ReportFormat, *, site: str | None = None
    ) -> Download:
        """`read_consort_report` as a file."""
        return self.download("GET", "/v1/reports/consort", query={"format": format, "site": site})

    def read_completeness_report(
        self, *, format: models.ReportFormat | None = None, site: str | None = None
    ) -> Answer[models.Completeness]:
        """How complete each site's records are: visits, gradings, signatures, queries, locks.

        **Who may** (`reports:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            format: `html` is one page that loads nothing else; `pdf` is for print.
            site: One of your sites; without it, all of them.

        Raises:
            TrialProblem: `reports_busy` (503), `report_too_slow` (503),
                `reports_not_installed` (503).
        """
        return self.send("GET", "/v1/reports/completeness", query={"format": format, "site": site})

    def read_completeness_report_as_file(
        self, format: models.ReportFormat, *, site: str | None = None
    ) -> Download:
        """`read_completeness_report` as a file."""
        return self.download(
            "GET", "/v1/reports/completeness", query={"format": format, "site": site}
        )

    def read_agreement_report(
        self, *, format: models.ReportFormat | None = None, site: str | None = None
    ) -> Answer[models.Agreement]:
        """How well independent gradings of the same visits agree, by site and by assessor.

        **Who may** (`reports:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `auditor` for the whole trial.

        Args:
            format: `html` is one page that loads nothing else; `pdf` is for print.
            site: One of your sites; without it, all of them.

        Raises:
            TrialProblem: `reports_busy` (503), `report_too_slow` (503),
                `reports_not_installed` (503).
        """
        return self.send("GET", "/v1/reports/agreement", query={"format": format, "site": site})

    def read_agreement_report_as_file(
        self, format: models.ReportFormat, *, site: str | None = None
    ) -> Download:
        """`read_agreement_report` as a file."""
        return self.download("GET", "/v1/reports/agreement", query={"format": format, "site": site})

    def read_endpoints_report(
        self, *, format: models.ReportFormat | None = None
    ) -> Answer[models.Endpoints]:
        """The endpoints by arm, for the statistician and the data monitoring committee.

        Over the whole trial and by intention to treat; no subject is named.

        **Who may** (`arm_reports:read`): `statistician`, `dmc` for the whole trial.

        Args:
            format: `html` is one page that loads nothing else; `pdf` is for print.

        Raises:
            TrialProblem: `reports_busy` (503), `report_too_slow` (503),
                `reports_not_installed` (503).
        """
        return self.send("GET", "/v1/reports/endpoints", query={"format": format})

    def read_endpoints_report_as_file(self, format: models.ReportFormat) -> Download:
        """`read_endpoints_report` as a file."""
        return self.download("GET", "/v1/reports/endpoints", query={"format": format})

    def read_safety_report(
        self, *, format: models.ReportFormat | None = None
    ) -> Answer[models.SafetyByArm]:
        """Adverse events by arm, for the statistician and the data monitoring committee.

        Over the whole trial and by intention to treat; no subject is named.

        **Who may** (`arm_reports:read`): `statistician`, `dmc` for the whole trial.

        Args:
            format: `html` is one page that loads nothing else; `pdf` is for print.

        Raises:
            TrialProblem: `reports_busy` (503), `report_too_slow` (503),
                `reports_not_installed` (503).
        """
        return self.send("GET", "/v1/reports/safety-by-arm", query={"format": format})

    def read_safety_report_as_file(self, format: models.ReportFormat) -> Download:
        """`read_safety_report` as a file."""
        return self.download("GET", "/v1/reports/safety-by-arm", query={"format": format})

    def read_export(
        self,
        format: str,
        *,
        version: str | None = None,
        dataset: str | None = None,
        accept: Literal[
            "*/*",
            "application/zip",
            "text/csv",
            "application/json",
            "application/x-ndjson",
            "application/fhir+json",
            "application/fhir+ndjson",
            "application/xml",
        ] = "*/*",
    ) -> Download:
        """The whole trial as a file, for data managers and statisticians: it names each subject's arm.

        Everything in it is of one moment. The same data on the same day give the same
        bytes. The `Accept` header chooses between the forms of a format. The trail
        tells who took which export.

        **Who may** (`exports:read`): `data_manager`, `statistician` for the whole
        trial.

        Args:
            format: The format, by its name: `csv`, `dataset-json`, `fhir`, `odm`,
                `registry`.
            version: The version of the standard, of `odm` only: `1.3.2` or `2.0`.
            dataset: One file of `csv` or one dataset of `dataset-json`, instead of all
                as an archive.

        Raises:
            TrialProblem: `exports_busy` (503), `no_room_for_export` (503).
        """
        return self.download(
            "GET",
            f"/v1/exports/{segment(format)}",
            query={"version": version, "dataset": dataset},
            accept=accept,
        )

    def read_fhir_capabilities(self) -> Download:
        """What the service can do, in FHIR's own words: a CapabilityStatement.

        It exports the whole trial (`GET /v1/exports/fhir`) and nothing else: resources
        cannot be read one by one, searched or changed. The statement needs no token, as
        FHIR has it.

        **Who may** (`documentation:read`): anyone, without a token.
        """
        return self.download("GET", "/v1/exports/fhir/metadata", accept="application/fhir+json")

    def list_events(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        after: str | None = None,
        type: models.EventType | None = None,
    ) -> Answer[models.EventPage]:
        """What happened at your sites, in the order in which it was committed.

        Ask again with `after` = the `id` of the last item that you have: no event ever
        appears before one that you have read, so nothing is missed. Events hold no
        clinical data: follow their links. With `Accept: text/event-stream` the answer
        goes on, for live screens: each event comes within a second or so, and a comment
        where fifteen seconds pass without one. It ends with the access token, at the
        latest: come again with a new one and `Last-Event-ID`. Read it with `fetch`, for
        a browser's `EventSource` cannot send a token, and none is taken from the
        address.

        **Who may** (`events:read`): `investigator`, `coordinator`, `monitor`,
        `hospital_system` at their own sites; `data_manager`, `safety_officer`,
        `statistician`, `dmc`, `auditor` for the whole trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before; the same as `after`.
            after: Only events after this one: the last that you have.
            type: Only this type.

        Raises:
            TrialProblem: `too_many_streams` (429), `streams_busy` (503).
        """
        return self.send(
            "GET",
            "/v1/events",
            query={"limit": limit, "cursor": cursor, "after": after, "type": type},
        )

    def iterate_events(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        type: models.EventType | None = None,
    ) -> Iterator[models.EventRead]:
        """`list_events`, page after page: every item."""
        return self.pages("GET", "/v1/events", query={"limit": limit, "after": after, "type": type})

    def list_webhooks(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.WebhookPage]:
        """Your webhooks, active or not, oldest first; an admin sees every one.

        **Who may** (`webhooks:read`): `hospital_system` at their own sites; `admin` for
        the whole trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send("GET", "/v1/webhooks", query={"limit": limit, "cursor": cursor})

    def iterate_webhooks(self, *, limit: int | None = None) -> Iterator[models.WebhookRead]:
        """`list_webhooks`, page after page: every item."""
        return self.pages("GET", "/v1/webhooks", query={"limit": limit})

    def create_webhook(
        self, body: models.WebhookCreate, *, idempotency_key: str | None = None
    ) -> Answer[models.WebhookMade]:
        """Have events sent to an address; the answer shows the secret, once.

        A signed `webhook.ping` is sent there first. An address that redirects or is not
        of the public internet is refused; one that does not answer is not.

        **Who may** (`webhooks:create`): `hospital_system` at their own sites; `admin`
        for the whole trial.

        Raises:
            TrialProblem: `owner_without_account` (403), `idempotency_key_reused` (422),
                `too_many_requests` (429).
        """
        return self.send(
            "POST", "/v1/webhooks", body=body, idempotency_key=idempotency_key or fresh_key()
        )

    def read_webhook(self, webhook_id: str) -> Answer[models.WebhookRead]:
        """One webhook.

        **Who may** (`webhooks:read`): `hospital_system` at their own sites; `admin` for
        the whole trial.

        Args:
            webhook_id: The webhook's `id`; another's does not exist for you.
        """
        return self.send("GET", f"/v1/webhooks/{segment(webhook_id)}")

    def change_webhook(
        self, webhook_id: str, body: models.WebhookPatch, *, if_match: str
    ) -> Answer[models.WebhookRead]:
        """Change a webhook, or switch it off and on; a new address is tried as at the beginning.

        What happens while it is off is not sent later: read it from the feed. What
        waited before is sent when it is on again.

        **Who may** (`webhooks:change`): `hospital_system` at their own sites; `admin`
        for the whole trial.

        Args:
            webhook_id: The webhook's `id`; another's does not exist for you.

        Raises:
            TrialProblem: `webhook_ended` (409), `stale_version` (412),
                `too_many_requests` (429).
        """
        return self.send(
            "PATCH", f"/v1/webhooks/{segment(webhook_id)}", body=body, if_match=if_match
        )

    def end_webhook(self, webhook_id: str) -> Answer[None]:
        """End a webhook for good; it and its deliveries are kept for the record.

        Nothing more is sent, also of what waits; it is not begun again: make a new one.

        **Who may** (`webhooks:change`): `hospital_system` at their own sites; `admin`
        for the whole trial.

        Args:
            webhook_id: The webhook's `id`; another's does not exist for you.
        """
        return self.send("DELETE", f"/v1/webhooks/{segment(webhook_id)}")

    def rotate_secret(
        self, webhook_id: str, *, idempotency_key: str | None = None
    ) -> Answer[models.SecretMade]:
        """Make a new secret; for 24 hours the one before signs beside it.

        Receivers check both signatures until the day is over, so no message is lost
        between two configurations.

        **Who may** (`webhooks:change`): `hospital_system` at their own sites; `admin`
        for the whole trial.

        Args:
            webhook_id: The webhook's `id`; another's does not exist for you.

        Raises:
            TrialProblem: `webhook_ended` (409), `idempotency_key_reused` (422).
        """
        return self.send(
            "POST",
            f"/v1/webhooks/{segment(webhook_id)}/secret",
            idempotency_key=idempotency_key or fresh_key(),
        )

    def list_deliveries(
        self,
        webhook_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: models.DeliveryState | None = None,
    ) -> Answer[models.DeliveryPage]:
        """What was sent to a webhook, what is to be, and what was given up.

        Events of one subject are sent in their order: one that fails holds up those
        behind it.

        **Who may** (`webhooks:read`): `hospital_system` at their own sites; `admin` for
        the whole trial.

        Args:
            webhook_id: The webhook's `id`; another's does not exist for you.
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
            state: Only in this state.
        """
        return self.send(
            "GET",
            f"/v1/webhooks/{segment(webhook_id)}/deliveries",
            query={"limit": limit, "cursor": cursor, "state": state},
        )

    def iterate_deliveries(
        self,
        webhook_id: str,
        *,
        limit: int | None = None,
        state: models.DeliveryState | None = None,
    ) -> Iterator[models.DeliveryRead]:
        """`list_deliveries`, page after page: every item."""
        return self.pages(
            "GET",
            f"/v1/webhooks/{segment(webhook_id)}/deliveries",
            query={"limit": limit, "state": state},
        )

    def replay_delivery(
        self, webhook_id: str, event_id: str, *, idempotency_key: str | None = None
    ) -> Answer[models.DeliveryRead]:
        """Try a dead delivery anew, with the same `webhook-id`, before what waits behind it.

        **Who may** (`webhooks:change`): `hospital_system` at their own sites; `admin`
        for the whole trial.

        Args:
            webhook_id: The webhook's `id`; another's does not exist for you.
            event_id: The event's `id`, sent as `webhook-id`.

        Raises:
            TrialProblem: `webhook_ended` (409), `not_dead` (409),
                `idempotency_key_reused` (422).
        """
        return self.send(
            "POST",
            f"/v1/webhooks/{segment(webhook_id)}/deliveries/{segment(event_id)}/replay",
            idempotency_key=idempotency_key or fresh_key(),
        )

    def list_audit_events(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        subject: str | None = None,
        actor: str | None = None,
        action: models.AuditAction | None = None,
        record: str | None = None,
        site: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        format: models.TrailFormat | None = None,
    ) -> Answer[models.AuditEventPage]:
        """The audit trail as a history: who did what when, from what to what, and why.

        An auditor reads all of it, monitors and investigators that of their sites.
        Nothing in it can be changed. With `format=csv` the answer holds every event up
        to this moment, however many, and `limit` is refused; the export stands in the
        trail itself.

        **Who may** (`audit:read`): `investigator`, `monitor` at their own sites;
        `auditor` for the whole trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
            subject: Only about the subject with this id.
            actor: Only by the account with this id.
            action: Only this action.
            record: Only about this kind of record.
            site: Only at this site.
            from_: Only at this time or later.
            to: Only before this time.
            format: `csv`: all that the filters leave, as a table.
        """
        return self.send(
            "GET",
            "/v1/audit-events",
            query={
                "limit": limit,
                "cursor": cursor,
                "subject": subject,
                "actor": actor,
                "action": action,
                "record": record,
                "site": site,
                "from": from_,
                "to": to,
                "format": format,
            },
        )

    def iterate_audit_events(
        self,
        *,
        limit: int | None = None,
        subject: str | None = None,
        actor: str | None = None,
        action: models.AuditAction | None = None,
        record: str | None = None,
        site: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        format: models.TrailFormat | None = None,
    ) -> Iterator[models.AuditEventRead]:
        """`list_audit_events`, page after page: every item."""
        return self.pages(
            "GET",
            "/v1/audit-events",
            query={
                "limit": limit,
                "subject": subject,
                "actor": actor,
                "action": action,
                "record": record,
                "site": site,
                "from": from_,
                "to": to,
                "format": format,
            },
        )

    def list_audit_events_as_file(
        self,
        format: models.TrailFormat,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        subject: str | None = None,
        actor: str | None = None,
        action: models.AuditAction | None = None,
        record: str | None = None,
        site: str | None = None,
        from_: str | None = None,
        to: str | None = None,
    ) -> Download:
        """`list_audit_events` as a file."""
        return self.download(
            "GET",
            "/v1/audit-events",
            query={
                "limit": limit,
                "cursor": cursor,
                "subject": subject,
                "actor": actor,
                "action": action,
                "record": record,
                "site": site,
                "from": from_,
                "to": to,
                "format": format,
            },
        )

    def list_checkpoints(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> Answer[models.CheckpointPage]:
        """The signed seals over the trail, oldest first.

        Fetch them regularly and keep them: whoever holds them can prove later, by
        `trial audit verify --against`, that no event before them was changed, added or
        removed.

        **Who may** (`checkpoints:read`): `investigator`, `monitor` at their own sites;
        `auditor` for the whole trial.

        Args:
            limit: Rows on a page.
            cursor: `next_cursor` of the page before.
        """
        return self.send("GET", "/v1/audit/checkpoints", query={"limit": limit, "cursor": cursor})

    def iterate_checkpoints(self, *, limit: int | None = None) -> Iterator[models.CheckpointRead]:
        """`list_checkpoints`, page after page: every item."""
        return self.pages("GET", "/v1/audit/checkpoints", query={"limit": limit})

    def read_health(self) -> Answer[models.Health]:
        """Whether the process answers.

        **Who may** (`health:read`): anyone, without a token.
        """
        return self.send("GET", "/healthz")

    def read_readiness(self) -> Answer[models.Readiness]:
        """Whether the service may be used.

        Checks the database, its schema revision, the role and row-level security,
        durability, and that the randomization secret makes the committed list.

        **Who may** (`health:read`): anyone, without a token.

        Raises:
            TrialProblem: `not_ready_to_serve` (503).
        """
        return self.send("GET", "/readyz")

    def list_problems(self) -> Download:
        """The page that lists every problem, by status, with what it means.

        It is in English, or in Simplified Chinese for an `Accept-Language` that prefers
        that.

        **Who may** (`documentation:read`): anyone, without a token.
        """
        return self.download("GET", "/problems", accept="text/html")

    def read_problem(self, code: str) -> Download:
        """The page behind a problem's `type`: what it means and what to do next.

        It is in English, or in Simplified Chinese for an `Accept-Language` that prefers
        that.

        **Who may** (`documentation:read`): anyone, without a token.

        Args:
            code: The last part of `type`.
        """
        return self.download("GET", f"/problems/{segment(code)}", accept="text/html")

    def read_clock(self) -> Answer[models.ClockRead]:
        """Clinical time: what `today` and every `future` refusal refer to.

        A practice installation stands at any day you moved it to; tokens and the audit
        trail go on in real time.

        **Who may** (`clock:move`): anyone, without a token.
        """
        return self.send("GET", "/sandbox/clock")

    def move_clock(self, body: models.ClockMove) -> Answer[models.ClockRead]:
        """Move clinical time forward, so that months of a trial pass in minutes.

        Tokens, audit stamps and limits go on in real time.

        **Who may** (`clock:move`): anyone, without a token.

        Raises:
            TrialProblem: `clock_runs_forward` (409).
        """
        return self.send("POST", "/sandbox/clock", body=body)

    def list_scenarios(self) -> Answer[models.ScenarioList]:
        """The scenarios that a reset can begin with, and the one that is played now.

        **Who may** (`clock:move`): anyone, without a token.
        """
        return self.send("GET", "/sandbox/scenarios")

    def reset_sandbox(self, body: models.ResetOrder) -> Answer[models.ResetRead]:
        """Throw everything away and begin anew with a scenario.

        Its first use takes up to half a minute, while the sandbox goes on; every later
        one two or three seconds, in which all other requests are answered 503 with
        Retry-After. Access tokens from before are refused afterwards.

        **Who may** (`clock:move`): anyone, without a token.

        Raises:
            TrialProblem: `reset_under_way` (409), `reset_not_possible` (409).
        """
        return self.send("POST", "/sandbox/reset", body=body)

/**
 * What is sent and what comes, as JSON.
 *
 * Written by `make clients` from openapi/openapi.json: do not edit.
 */
export interface paths {
    "/v1/subjects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Subjects of your sites, in the order of their enrolment
         * @description Filter by `site`, `status` or `number`. Nobody is named: a subject is a number, a sex and a year of birth.
         *
         *     **Who may** (`subjects:read`): `investigator`, `coordinator`, `assessor`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_subjects"];
        put?: never;
        /**
         * Enter a person into screening; the answer holds the subject number
         * @description The site must be recruiting: an approval of the protocol's version in force is on record. Send `national_id` where the site asks for it: only a keyed digest is kept, and a person who is known at any site is refused with `duplicate_subject`, which says no more.
         *
         *     **Who may** (`subjects:create`): `investigator`, `coordinator`, `hospital_system` at their own sites.
         *
         *     Refused with: `site_not_active` (409), `protocol_not_approved` (409), `duplicate_subject` (409), `record_frozen` (409), `record_locked` (409), `idempotency_key_reused` (422).
         */
        post: operations["create_subject"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/{subject_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One subject, with links to everything recorded about them
         * @description `links` lead to every record of the subject; most exist before anything is written there, with version 0.
         *
         *     **Who may** (`subjects:read`): `investigator`, `coordinator`, `assessor`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["read_subject"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Correct sex or year of birth, or set a status that a person may set
         * @description Most statuses follow from what is recorded and cannot be set. `died`, `withdrawn` and `lost_to_follow_up` end the subject's part for good: better record a discontinuation, which also keeps the day and the cause.
         *
         *     **Who may** (`subjects:change`): `investigator`, `coordinator`, `hospital_system` at their own sites.
         *
         *     Refused with: `move_not_allowed` (409), `record_frozen` (409), `record_locked` (409), `stale_version` (412).
         */
        patch: operations["change_subject"];
        trace?: never;
    };
    "/v1/subjects/{subject_id}/consents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The consents a subject signed, and which were withdrawn
         * @description **Who may** (`consents:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_consents"];
        put?: never;
        /**
         * Record a signed informed consent
         * @description The version must be one that the site's ethics committee approved. Nothing is observed of a subject before it, and nobody is randomized without it; where several were signed, the last one counts.
         *
         *     **Who may** (`consents:create`): `investigator`, `coordinator` at their own sites.
         *
         *     Refused with: `subject_closed` (409), `after_leaving` (409), `consent_version_not_approved` (409), `already_consented` (409), `record_frozen` (409), `record_locked` (409), `idempotency_key_reused` (422).
         */
        post: operations["record_consent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/{subject_id}/consents/{consent_id}/withdrawal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Record that a subject withdrew consent, which ends their part in the trial
         * @description Of a subject who is known to have died since, the status stays.
         *
         *     **Who may** (`consents:create`): `investigator`, `coordinator` at their own sites.
         *
         *     Refused with: `already_withdrawn` (409), `after_leaving` (409), `record_frozen` (409), `record_locked` (409), `idempotency_key_reused` (422).
         */
        post: operations["withdraw_consent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/oauth/token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get an access token
         * @description People use `password` with username, password and, if they have a second factor, `totp`; then `refresh_token` until they sign out. Each refresh token is good once; a retry within ten seconds of a lost answer gets the same next one, any other second use ends the session. Hospital systems use `client_credentials` with their id and secret, in the form or as HTTP Basic, or with a `client_assertion` signed by their key (RFC 7523). The token is a JWT signed with ES256 and lives at most 15 minutes. Wrong guesses are slowed down per account and address. A browser keeps the cookie `trial-device`, by which its owner is told apart from strangers.
         *
         *     **Who may** (`session:create`): anyone, without a token.
         *
         *     Refused with: `invalid_token_request` (400), `unsupported_grant_type` (400), `password_change_required` (400), `totp_enrolment_required` (400), `invalid_grant` (400), `totp_required` (400), `invalid_client` (401), `too_many_requests` (429).
         */
        post: operations["issue_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/oauth/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign out: end the session of a refresh or access token of yours (RFC 7009)
         * @description Every token of the session is refused within a second. A token that is not ours, or no longer, is answered alike: there is nothing left to end.
         *
         *     **Who may** (`session:end`): anyone, without a token.
         */
        post: operations["revoke_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/oauth/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Replace your password, with the old one and your code instead of a token
         * @description A password that an admin gave has to be replaced before signing in. Every session of yours ends. At least 12 characters; common and guessable ones are refused.
         *
         *     **Who may** (`password:change`): anyone, without a token.
         *
         *     Refused with: `invalid_grant` (400), `totp_required` (400), `too_many_requests` (429).
         */
        post: operations["change_password"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/oauth/totp": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get a secret for an authenticator app (RFC 6238), to be confirmed within ten minutes
         * @description Nothing changes before the confirmation. Who has an authenticator already gives its code, and replaces it.
         *
         *     **Who may** (`totp:enrol`): anyone, without a token.
         *
         *     Refused with: `password_change_required` (400), `invalid_grant` (400), `totp_required` (400), `too_many_requests` (429).
         */
        post: operations["offer_totp"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/oauth/totp/confirmation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Enrol the authenticator by a code that it shows; every session of yours ends
         * @description **Who may** (`totp:enrol`): anyone, without a token.
         *
         *     Refused with: `password_change_required` (400), `invalid_grant` (400), `totp_required` (400), `ticket_refused` (409), `too_many_requests` (429).
         */
        post: operations["confirm_totp"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who the token's holder is, at which sites, and what they may do
         * @description Ask it after signing in: a front end shows what `actions` allow, and nothing else.
         *
         *     **Who may** (`self:read`): every role.
         */
        get: operations["read_me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/.well-known/jwks.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The public keys that verify access tokens (RFC 7517)
         * @description Keep them, and ask again when a token names a `kid` that you do not have.
         *
         *     **Who may** (`keys:read`): anyone, without a token.
         */
        get: operations["read_keys"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/.well-known/oauth-authorization-server": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Where and how to get tokens (RFC 8414)
         * @description **Who may** (`keys:read`): anyone, without a token.
         */
        get: operations["read_authorization_server"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * People with an account, active or not
         * @description **Who may** (`users:read`): `admin` for the whole trial.
         */
        get: operations["list_users"];
        put?: never;
        /**
         * Give a person an account, with a password that they replace before they first sign in
         * @description A site-bound role needs its sites, a role of the whole trial takes none. The appointment stands in the audit trail: it is the trial's delegation log (ICH E6(R3)).
         *
         *     **Who may** (`users:create`): `admin` for the whole trial.
         *
         *     Refused with: `username_taken` (409), `idempotency_key_reused` (422).
         */
        post: operations["create_user"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One person's account
         * @description **Who may** (`users:read`): `admin` for the whole trial.
         */
        get: operations["read_user"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change or deactivate a person's account; all but a new name ends their sessions
         * @description Nobody is deleted: `active` false keeps the name under everything they did. An admin cannot change their own role, password or authenticator, and the last admin stays.
         *
         *     **Who may** (`users:change`): `admin` for the whole trial.
         *
         *     Refused with: `own_account` (403), `last_admin` (409), `knows_the_arms` (409), `stale_version` (412).
         */
        patch: operations["change_user"];
        trace?: never;
    };
    "/v1/clients": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Hospitals' systems with an account, active or not
         * @description **Who may** (`clients:read`): `admin` for the whole trial.
         */
        get: operations["list_clients"];
        put?: never;
        /**
         * Give a hospital's system an account, with a secret, public keys, or both
         * @description It acts as `hospital_system` at its sites: it enters what the hospital knows, and signs and grades nothing. Prefer public keys: their private part never leaves the hospital.
         *
         *     **Who may** (`clients:create`): `admin` for the whole trial.
         *
         *     Refused with: `username_taken` (409), `idempotency_key_reused` (422).
         */
        post: operations["create_client"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/clients/{account_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One system's account
         * @description **Who may** (`clients:read`): `admin` for the whole trial.
         */
        get: operations["read_client"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change or deactivate a system's account; all but a new name ends its sessions
         * @description A new secret or key set replaces the one before at once: give two keys during a rotation.
         *
         *     **Who may** (`clients:change`): `admin` for the whole trial.
         *
         *     Refused with: `stale_version` (412).
         */
        patch: operations["change_client"];
        trace?: never;
    };
    "/v1/certificates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who is certified to grade at your sites; an assessor reads their own certificates
         * @description A certificate covers the gradings of the days from `valid_from` through `valid_until`.
         *
         *     **Who may** (`certificates:read`): `investigator`, `coordinator`, `assessor`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_certificates"];
        put?: never;
        /**
         * Record that an assessor or investigator was trained in grading
         * @description Gradings of days that no certificate covers are stored and flagged; a certificate that is entered late takes the flag away.
         *
         *     **Who may** (`certificates:record`): `data_manager` for the whole trial.
         *
         *     Refused with: `record_locked` (409), `idempotency_key_reused` (422).
         */
        post: operations["record_certificate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/certificates/{certificate_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One certificate in its current version
         * @description **Who may** (`certificates:read`): `investigator`, `coordinator`, `assessor`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["read_certificate"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Correct a certificate, or end it early by an earlier last day
         * @description Gradings of days that it no longer covers are flagged from then on; none is lost.
         *
         *     **Who may** (`certificates:record`): `data_manager` for the whole trial.
         *
         *     Refused with: `record_locked` (409), `stale_version` (412).
         */
        patch: operations["change_certificate"];
        trace?: never;
    };
    "/v1/study": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The trial's registry facts, arms and outcomes
         * @description The protocol in force says more: `GET /v1/protocol-versions/{version}`.
         *
         *     **Who may** (`study:read`): every role.
         */
        get: operations["read_study"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sites": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The trial's hospitals and whether each may recruit
         * @description A site recruits once an approval of the protocol's version in force is on record and its day has come.
         *
         *     **Who may** (`study:read`): every role.
         */
        get: operations["list_sites"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sites/{code}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One hospital
         * @description **Who may** (`study:read`): every role.
         */
        get: operations["read_site"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/protocol-versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Every published protocol version with its SHA-256
         * @description **Who may** (`study:read`): every role.
         */
        get: operations["list_protocol_versions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/protocol-versions/{version}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A protocol version: eligibility facts and criteria, visits, scales, rules, assumptions
         * @description A screening form asks `eligibility.facts`; a front end takes units, choices and limits from there and not from its own code. `sha256` shows that the document is the one that was approved.
         *
         *     **Who may** (`study:read`): every role.
         */
        get: operations["read_protocol_version"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sites/{code}/activations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The ethics approvals recorded for a site
         * @description **Who may** (`activations:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor`, `admin` for the whole trial.
         */
        get: operations["list_activations"];
        put?: never;
        /**
         * Record an ethics approval, which lets the site recruit
         * @description The ethics committee approved one version of the protocol and one of the consent form. From `approved_on` the site screens subjects under them (ICH E6(R3) 4.3.5); there is no way to take it back.
         *
         *     **Who may** (`activations:create`): `admin` for the whole trial.
         *
         *     Refused with: `already_activated` (409), `idempotency_key_reused` (422).
         */
        post: operations["activate_site"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/deviations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Departures from the protocol at your sites, in the order of their recording
         * @description **Who may** (`deviations:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_all_deviations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/{subject_id}/deviations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Departures from the protocol, reported by people or noticed by the service
         * @description The service notes those that follow from what is recorded, such as a randomization later than the protocol asks for.
         *
         *     **Who may** (`deviations:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_deviations"];
        put?: never;
        /**
         * Report a departure from the protocol
         * @description It stays as it is reported: a mistaken one is answered by a data query.
         *
         *     **Who may** (`deviations:create`): `investigator`, `coordinator`, `monitor` at their own sites.
         *
         *     Refused with: `record_frozen` (409), `record_locked` (409), `idempotency_key_reused` (422).
         */
        post: operations["report_deviation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/{subject_id}/radiotherapy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The subject's radiotherapy as planned and delivered
         * @description Everything is null and the version 0 before anything is recorded.
         *
         *     **Who may** (`radiotherapy:read`): `investigator`, `coordinator`, `assessor`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["read_radiotherapy"];
        /**
         * Record the plan, and later what was delivered; the schedule of visits follows it
         * @description Send the whole of what is known: what is left out is not known any more. A stratification factor that is wrong here puts the subject into the wrong stratum, and an allocation is never undone; changing it later is a protocol deviation.
         *
         *     **Who may** (`radiotherapy:record`): `investigator`, `coordinator`, `hospital_system` at their own sites.
         *
         *     Refused with: `subject_closed` (409), `after_leaving` (409), `record_frozen` (409), `record_locked` (409), `stale_version` (412).
         */
        put: operations["record_radiotherapy"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/{subject_id}/eligibility": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The recorded facts and what each criterion says of them today
         * @description Laboratory values and the ECG grow stale after the screening window: then the facts listed in `stale_facts` have to be given anew.
         *
         *     **Who may** (`eligibility:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["read_eligibility"];
        /**
         * Record the facts of screening and get every criterion's verdict
         * @description Units are converted; a fact that is left out makes its criteria `unknown`. New facts make a new version, which has to be signed anew.
         *
         *     **Who may** (`eligibility:record`): `investigator`, `coordinator`, `hospital_system` at their own sites.
         *
         *     Refused with: `eligibility_closed` (409), `record_frozen` (409), `record_locked` (409), `stale_version` (412).
         */
        put: operations["record_eligibility"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/{subject_id}/eligibility/signature": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign the current evaluation as an investigator, with your password once more
         * @description Your first signature of a session takes the code of your second factor too, if you have one; for those after it either is enough.
         *
         *     **Who may** (`eligibility:sign`): `investigator` at their own sites.
         *
         *     Refused with: `people_only` (403), `reauthentication_failed` (403), `eligibility_closed` (409), `evaluation_changed` (409), `already_signed` (409), `cannot_sign` (409), `record_frozen` (409), `record_locked` (409), `idempotency_key_reused` (422), `too_many_requests` (429).
         */
        post: operations["sign_eligibility"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/{subject_id}/randomization": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The subject's allocation; assessors receive it without the arm
         * @description The arm tells the treatment: show it to nobody who grades.
         *
         *     **Who may** (`randomization:read`): `investigator`, `coordinator`, `assessor`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         *
         *     Refused with: `not_randomized` (404).
         */
        get: operations["read_randomization"];
        put?: never;
        /**
         * Allocate the subject to an arm
         * @description The subject needs a consent in force, an eligible evaluation signed by an investigator, and a radiotherapy plan whose first fraction is not yet delivered; what is missing is named in `errors`. Send the same Idempotency-Key when you retry: it always gives the same allocation.
         *
         *     **Who may** (`randomization:create`): `investigator`, `hospital_system` at their own sites.
         *
         *     Refused with: `not_ready` (409), `already_randomized` (409), `recruitment_complete` (409), `record_frozen` (409), `record_locked` (409), `idempotency_key_reused` (422), `list_absent` (503), `list_unavailable` (503).
         */
        post: operations["randomize"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/randomizations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Allocations at your sites, oldest first
         * @description **Who may** (`randomization:read`): `investigator`, `coordinator`, `assessor`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_randomizations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/randomization/commitment": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What was published of the randomization list before the first allocation
         * @description Anyone may keep it: it later proves that the list was fixed beforehand.
         *
         *     **Who may** (`commitment:read`): anyone, without a token.
         */
        get: operations["read_commitment"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/{subject_id}/randomization/proof": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What shows, with the published commitment alone, that the allocation is the list's
         * @description `tools/verify_randomization.py` checks it offline.
         *
         *     **Who may** (`proofs:read`): `statistician`, `auditor` for the whole trial.
         *
         *     Refused with: `not_randomized` (404), `list_absent` (503), `list_unavailable` (503).
         */
        get: operations["read_proof"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/randomization/proofs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The proofs of all allocations so far, oldest first
         * @description **Who may** (`proofs:read`): `statistician`, `auditor` for the whole trial.
         *
         *     Refused with: `list_absent` (503), `list_unavailable` (503).
         */
        get: operations["list_proofs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/{subject_id}/randomization/corrections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What is known to have gone wrong when the subject was randomized
         * @description The allocation itself stands as it was drawn; of a wrong stratum the latest correction counts. Empty as long as nothing is recorded.
         *
         *     **Who may** (`corrections:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_subject_corrections"];
        put?: never;
        /**
         * Record an error made in randomization; nothing is undone
         * @description The subject keeps the allocation and stays in the trial. `wrong_stratum` records the correct factor values beside the ones used; `ineligible` names the criteria that were not met; `duplicate` joins two subjects who are the same person, and the first allocation is retained. Each is a protocol deviation too, and none is taken back; of a wrong stratum the latest counts.
         *
         *     **Who may** (`corrections:create`): `data_manager` for the whole trial.
         *
         *     Refused with: `nothing_to_correct` (409), `same_stratum` (409), `already_paired` (409), `record_frozen` (409), `record_locked` (409), `idempotency_key_reused` (422).
         */
        post: operations["record_correction"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/randomization/corrections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Errors made in randomization at your sites, oldest first
         * @description A duplicate has a record at each of its two subjects; you see those of your sites.
         *
         *     **Who may** (`corrections:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_corrections"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/visits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Visits of all subjects of your sites: what is due today, what is overdue, what comes
         * @description Filter by status (one or more), site, the range of planned days, and whether a grading is awaited: `?awaits_grading=true` lists those that took place and are still to be graded. Visits come by subject in the order of enrolment, then by planned day; those that left their schedule have no planned day, come last and are in no range.
         *
         *     **Who may** (`visits:read`): `investigator`, `coordinator`, `assessor`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_all_visits"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/{subject_id}/visits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The subject's schedule, which follows the planned and then the actual radiotherapy
         * @description Windows are local days, both ends included. They move with the first and the last fraction once those are recorded; a visit that took place keeps what was written.
         *
         *     **Who may** (`visits:read`): `investigator`, `coordinator`, `assessor`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_visits"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/{subject_id}/visits/{code}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One visit as scheduled and as recorded
         * @description **Who may** (`visits:read`): `investigator`, `coordinator`, `assessor`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["read_visit"];
        /**
         * Record the day a visit took place, or why it was missed
         * @description The day may be any from the first consent until the subject left the study; what is unusual about it is flagged and never refused.
         *
         *     **Who may** (`visits:record`): `investigator`, `coordinator`, `assessor`, `hospital_system` at their own sites.
         *
         *     Refused with: `subject_closed` (409), `no_consent` (409), `before_consent` (409), `after_leaving` (409), `no_schedule` (409), `visit_has_gradings` (409), `record_frozen` (409), `record_locked` (409), `stale_version` (412).
         */
        put: operations["record_visit"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/{subject_id}/exposures": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The study drug a subject took, day by day, each in its current version
         * @description Whoever reads it learns the arm: assessors may not.
         *
         *     **Who may** (`exposures:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_exposures"];
        put?: never;
        /**
         * Record the study drug that a subject took on one local day
         * @description Give a reason when fewer applications were taken than the protocol asks for. More of them, or study drug outside the protocol's period, is stored, flagged and noted as a deviation. A control subject takes none.
         *
         *     **Who may** (`exposures:record`): `investigator`, `coordinator` at their own sites.
         *
         *     Refused with: `no_treatment` (409), `no_study_drug` (409), `subject_closed` (409), `no_consent` (409), `before_consent` (409), `after_leaving` (409), `treatment_discontinued` (409), `day_recorded` (409), `record_frozen` (409), `record_locked` (409), `idempotency_key_reused` (422).
         */
        post: operations["record_exposure"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/exposures/{exposure_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The study drug of one day in its current version
         * @description **Who may** (`exposures:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["read_exposure"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Correct the study drug of one day with a reason; the day itself stays
         * @description The version before stays readable in the audit trail.
         *
         *     **Who may** (`exposures:record`): `investigator`, `coordinator` at their own sites.
         *
         *     Refused with: `after_leaving` (409), `treatment_discontinued` (409), `record_frozen` (409), `record_locked` (409), `stale_version` (412).
         */
        patch: operations["correct_exposure"];
        trace?: never;
    };
    "/v1/subjects/{subject_id}/discontinuation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * When and why the subject ended treatment, and left the study
         * @description Both parts are null and the version is 0 as long as nothing is discontinued.
         *
         *     **Who may** (`discontinuation:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["read_discontinuation"];
        /**
         * Record that the subject ended treatment, left the study, or both
         * @description Follow-up goes on after the end of treatment: visits and gradings stay open. Leaving the study moves the subject to `withdrawn`, `lost_to_follow_up` or `died`, sets `left_on`, and ends the treatment too; nothing takes it back.
         *
         *     **Who may** (`discontinuation:record`): `investigator` at their own sites.
         *
         *     Refused with: `subject_closed` (409), `no_consent` (409), `no_treatment` (409), `no_study_drug` (409), `nothing_discontinued` (409), `left_for_good` (409), `cause_contradicts_status` (409), `move_not_allowed` (409), `record_frozen` (409), `record_locked` (409), `stale_version` (412).
         */
        put: operations["record_discontinuation"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/{subject_id}/visits/{code}/gradings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The gradings made at one visit, each in its current version
         * @description Assessors see each other's gradings of a visit once they graded it themselves.
         *
         *     **Who may** (`gradings:read`): `investigator`, `coordinator`, `assessor`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_gradings"];
        put?: never;
        /**
         * Record your grading at a visit: what you saw, and the grade you conclude
         * @description The grades that follow from the components on the protocol's scales are answered beside the entered one, which is never changed. A second assessor grades without seeing the first grading; when the two differ, an adjudication is opened, and its decision counts.
         *
         *     **Who may** (`gradings:create`): `investigator`, `assessor` at their own sites.
         *
         *     Refused with: `subject_closed` (409), `no_consent` (409), `before_consent` (409), `after_leaving` (409), `visit_not_graded` (409), `visit_not_recorded` (409), `already_graded` (409), `second_grading_by_assessor` (409), `graded_on_other_day` (409), `record_frozen` (409), `record_locked` (409), `idempotency_key_reused` (422).
         */
        post: operations["create_grading"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/gradings/{grading_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One grading in its current version
         * @description **Who may** (`gradings:read`): `investigator`, `coordinator`, `assessor`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["read_grading"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Correct your own grading; the version before stays readable
         * @description Only the author may. The new version voids the signature, and the endpoint is derived from it.
         *
         *     **Who may** (`gradings:correct`): `investigator`, `assessor` at their own sites.
         *
         *     Refused with: `not_the_author` (403), `subject_closed` (409), `before_consent` (409), `after_leaving` (409), `visit_not_recorded` (409), `record_frozen` (409), `record_locked` (409), `stale_version` (412).
         */
        patch: operations["correct_grading"];
        trace?: never;
    };
    "/v1/gradings/{grading_id}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Every version of a grading, oldest first, with the reason of each change
         * @description **Who may** (`gradings:read`): `investigator`, `coordinator`, `assessor`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_grading_versions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/gradings/{grading_id}/signature": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign your own grading in its current version, with your password once more
         * @description The signature covers the version that you read; a correction voids it, and the grading is signed anew.
         *
         *     **Who may** (`gradings:sign`): `investigator`, `assessor` at their own sites.
         *
         *     Refused with: `not_the_author` (403), `people_only` (403), `reauthentication_failed` (403), `already_signed` (409), `content_changed` (409), `record_frozen` (409), `record_locked` (409), `idempotency_key_reused` (422), `too_many_requests` (429).
         */
        post: operations["sign_grading"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/adjudications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Visits of your sites whose gradings differ or differed, in their current version
         * @description The endpoint waits for those that are `open`.
         *
         *     **Who may** (`adjudications:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_adjudications"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/adjudications/{adjudication_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One adjudication in its current version
         * @description **Who may** (`adjudications:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["read_adjudication"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Decide which grade counts for the visit, or correct the decision
         * @description The adjudicator is an investigator of the site who graded nothing at the visit. The gradings stay as they are; the endpoint reads the decision.
         *
         *     **Who may** (`adjudications:decide`): `investigator` at their own sites.
         *
         *     Refused with: `adjudicator_graded` (403), `record_frozen` (409), `record_locked` (409), `stale_version` (412).
         */
        patch: operations["decide_adjudication"];
        trace?: never;
    };
    "/v1/subjects/{subject_id}/endpoint": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The subject's primary and secondary outcome as of today
         * @description `event` as soon as an assessment in the window is severe; `no_event` when the window is over with enough of them, `not_evaluable` without. Derived anew at each request, with the deciding grading and its version.
         *
         *     **Who may** (`endpoint:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["read_endpoint"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/{subject_id}/adverse-events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A subject's adverse events, each in its current version
         * @description **Who may** (`adverse_events:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_subject_adverse_events"];
        put?: never;
        /**
         * Report an adverse event
         * @description `grade` is the severity and must exist for the term in CTCAE; whether the event is `serious` is a separate judgment by the criteria of ICH E2B(R3). When the severity changes, report the new grade with `continues`.
         *
         *     **Who may** (`adverse_events:create`): `investigator`, `coordinator`, `hospital_system` at their own sites.
         *
         *     Refused with: `no_consent` (409), `death_not_recorded` (409), `already_continued` (409), `record_frozen` (409), `record_locked` (409), `idempotency_key_reused` (422).
         */
        post: operations["report_adverse_event"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/adverse-events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Adverse events at your sites, each in its current version
         * @description Filter by site, severity, seriousness, term or case; an event of several grades is one case with several occurrences.
         *
         *     **Who may** (`adverse_events:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_adverse_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/adverse-events/{event_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One adverse event in its current version
         * @description **Who may** (`adverse_events:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["read_adverse_event"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Add a follow-up or correct a report; as a safety officer, assess it; or nullify it
         * @description The version before stays readable. Sites change what they reported; the safety officer changes `sponsor_causality`, `expectedness` and the coding in MedDRA. A term is that of the whole case: its other occurrences follow.
         *
         *     **Who may** (`adverse_events:correct`): `investigator`, `coordinator`, `hospital_system` at their own sites; `safety_officer` for the whole trial.
         *
         *     Refused with: `not_yours_to_assess` (403), `nullified` (409), `still_continued` (409), `death_not_recorded` (409), `no_reference_document` (409), `no_consent` (409), `record_frozen` (409), `record_locked` (409), `stale_version` (412).
         */
        patch: operations["correct_adverse_event"];
        trace?: never;
    };
    "/v1/adverse-events/{event_id}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Every version of an adverse event, oldest first, with the reason of each change
         * @description **Who may** (`adverse_events:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_adverse_event_versions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/adverse-events/{event_id}/signature": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign as an investigator that you have reviewed the event, with your password once more
         * @description The signature covers the version that you read; a later follow-up, correction or assessment voids it, and the event is reviewed anew.
         *
         *     **Who may** (`adverse_events:sign`): `investigator` at their own sites.
         *
         *     Refused with: `people_only` (403), `reauthentication_failed` (403), `already_signed` (409), `content_changed` (409), `record_frozen` (409), `record_locked` (409), `idempotency_key_reused` (422), `too_many_requests` (429).
         */
        post: operations["sign_adverse_event"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/adverse-events/{event_id}/case-report": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The case report of a suspected unexpected serious adverse reaction, in ICH E2B(R3)
         * @description It tells of the whole case, with every occurrence, as the records stand now: a follow-up has the same identifier and later information, and a nullified case gives its nullification. As `application/xml` it is the message, as `application/json` the same content with the numbers of the elements. It names the study drug that the subject was given, and so the arm.
         *
         *     **Who may** (`case_reports:read`): `investigator` at their own sites; `safety_officer`, `auditor` for the whole trial.
         *
         *     Refused with: `not_reportable` (409).
         */
        get: operations["read_case_report"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/safety/deadlines": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Reports that are owed at your sites, and those that were, in the order of their opening
         * @description Nothing disappears: a deadline that was met or has lapsed stays, with when and why.
         *
         *     **Who may** (`deadlines:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_deadlines"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/safety/deadlines/{deadline_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One deadline as it is now
         * @description **Who may** (`deadlines:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["read_deadline"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/safety/deadlines/{deadline_id}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Every version of a deadline, oldest first: how its clock was moved, met or ended
         * @description **Who may** (`deadlines:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_deadline_versions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/adverse-events/{event_id}/submissions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What was reported of the event's case, and to whom, in the order of recording
         * @description **Who may** (`submissions:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_submissions"];
        put?: never;
        /**
         * Record that an event's case was reported; the deadlines that it meets are met
         * @description Each recipient first gets an initial report, and later ones as follow-ups.
         *
         *     **Who may** (`submissions:record`): `safety_officer` for the whole trial.
         *
         *     Refused with: `event_not_serious` (409), `event_nullified` (409), `event_not_nullified` (409), `no_initial_report` (409), `already_reported` (409), `idempotency_key_reused` (422).
         */
        post: operations["record_submission"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/adverse-events/{event_id}/submissions/{submission_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One submission in its current version
         * @description **Who may** (`submissions:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["read_submission"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Correct when a report was sent or how it was acknowledged, or withdraw the record of it
         * @description A deadline that only a withdrawn submission had met is open again.
         *
         *     **Who may** (`submissions:record`): `safety_officer` for the whole trial.
         *
         *     Refused with: `submission_withdrawn` (409), `no_initial_report` (409), `stale_version` (412).
         */
        patch: operations["correct_submission"];
        trace?: never;
    };
    "/v1/safety/stopping-rules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The protocol's stopping rules, their boundaries, and how each stands
         * @description They are evaluated after every randomization and every report about an adverse event. The service announces a rule that is reached; it stops nothing.
         *
         *     **Who may** (`stopping_rules:read`): `safety_officer`, `dmc` for the whole trial.
         */
        get: operations["list_stopping_rules"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/safety/stopping-rules/{rule_id}/evaluations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How a rule stood each time that its figures changed, oldest first
         * @description **Who may** (`stopping_rules:read`): `safety_officer`, `dmc` for the whole trial.
         */
        get: operations["list_stopping_evaluations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/terms": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Find terms to report an adverse event with, while somebody types
         * @description Capitals, accents and punctuation do not matter. Terms that begin with `q` come first, then those of which a word does, then those that hold it.
         *
         *     **Who may** (`study:read`): every role.
         */
        get: operations["list_terms"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/labels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Every label of enumerations, problems and the protocol, in your language
         * @description In Simplified Chinese for an `Accept-Language` that prefers `zh`, `zh-CN`, `zh-SG` or `zh-Hans`, else in English; never refused for its language. Read it once when a front-end starts: it is the same for everyone, and may be kept for ten minutes and then asked for by its ETag.
         *
         *     **Who may** (`study:read`): every role.
         */
        get: operations["read_labels"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/safety/reference-documents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Every version of the reference safety information, by which events are expected or not
         * @description **Who may** (`reference_documents:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_reference_documents"];
        put?: never;
        /**
         * Publish a version of the reference safety information; it never changes afterwards
         * @description It decides for events that begin on `effective_on` or later, until the next version takes effect. Only the trial's first version may take effect before today. Assessments that were made stay as they are, with the version that they were made by.
         *
         *     **Who may** (`reference_documents:create`): `safety_officer` for the whole trial.
         *
         *     Refused with: `version_published` (409), `idempotency_key_reused` (422).
         */
        post: operations["publish_reference_document"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/safety/reference-documents/{version}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One version of the reference safety information
         * @description **Who may** (`reference_documents:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["read_reference_document"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/queries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Data queries at your sites, oldest first
         * @description An assessor sees those about their own gradings.
         *
         *     **Who may** (`queries:read`): `investigator`, `coordinator`, `assessor`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_queries"];
        put?: never;
        /**
         * Ask the site about something recorded: a field, or a whole record
         * @description Ask one thing at a time: each query is answered and closed by itself.
         *
         *     **Who may** (`queries:create`): `monitor` at their own sites; `data_manager` for the whole trial.
         *
         *     Refused with: `record_frozen` (409), `record_locked` (409), `idempotency_key_reused` (422).
         */
        post: operations["raise_query"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/queries/{query_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One data query with its whole conversation
         * @description **Who may** (`queries:read`): `investigator`, `coordinator`, `assessor`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["read_query"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Answer a data query, reopen it or close it
         * @description The site answers, and may answer again to correct itself; whoever raised the query closes it, or reopens it with what is still missing. The record itself is corrected at its own address. What the service asked, it closes by itself once the data is corrected.
         *
         *     **Who may** (`queries:change`): `investigator`, `coordinator`, `assessor`, `monitor`, `hospital_system` at their own sites; `data_manager` for the whole trial.
         *
         *     Refused with: `site_answers` (403), `not_the_opener` (403), `query_move_not_allowed` (409), `record_frozen` (409), `record_locked` (409), `stale_version` (412).
         */
        patch: operations["change_query"];
        trace?: never;
    };
    "/v1/gradings/{grading_id}/verifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who compared which versions of a grading with their source
         * @description **Who may** (`verifications:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_grading_verifications"];
        put?: never;
        /**
         * Record that a grading, in its current version, agrees with its source
         * @description Where it does not, raise a query instead. A correction makes the grading need verifying again.
         *
         *     **Who may** (`verifications:create`): `monitor` at their own sites.
         *
         *     Refused with: `not_the_current_version` (409), `already_verified` (409), `record_frozen` (409), `record_locked` (409), `idempotency_key_reused` (422).
         */
        post: operations["verify_grading"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/verifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The gradings at your sites and where each stands in source data verification
         * @description It is the monitor's work list: filter by `state` for what is still to be compared.
         *
         *     **Who may** (`verifications:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["list_verifications"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/{subject_id}/lock": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the subject's record is open, frozen or locked
         * @description The trial's own state binds it too: the stricter of the two holds.
         *
         *     **Who may** (`locks:read`): `investigator`, `coordinator`, `assessor`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["read_subject_lock"];
        /**
         * Freeze or lock the subject's record, or open it again; every change says why
         * @description A locked record is changed by nobody, not by the service itself: PostgreSQL refuses. It is locked only when no query about it and no adjudication is left.
         *
         *     **Who may** (`locks:set`): `data_manager` for the whole trial.
         *
         *     Refused with: `already_in_state` (409), `review_open` (409), `stale_version` (412).
         */
        put: operations["set_subject_lock"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/study/lock": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the trial is open, frozen or locked, for every subject at once
         * @description It binds every subject; a subject's own state may be stricter.
         *
         *     **Who may** (`locks:read`): `investigator`, `coordinator`, `assessor`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["read_study_lock"];
        /**
         * Freeze or lock the trial, or open it again: every subject's record, and enrolment
         * @description It is locked only when no query and no adjudication in the trial is left.
         *
         *     **Who may** (`locks:set`): `data_manager` for the whole trial.
         *
         *     Refused with: `already_in_state` (409), `review_open` (409), `stale_version` (412).
         */
        put: operations["set_study_lock"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/reports/randomization": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How randomization went: subjects randomized, and errors recorded since
         * @description For each of your sites and for them together, blind to arm.
         *
         *     **Who may** (`randomization_report:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         */
        get: operations["read_randomization_report"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/reports/recruitment": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Inclusions by site and week, against the target and with a forecast; blind to arm
         * @description Target, planned line and forecast are the trial's: they stand in the report over all sites only.
         *
         *     **Who may** (`reports:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         *
         *     Refused with: `reports_busy` (503), `report_too_slow` (503), `reports_not_installed` (503).
         */
        get: operations["read_recruitment_report"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/reports/consort": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The flow of subjects: screened, excluded and why, randomized, discontinued, analysed
         * @description All arms together.
         *
         *     **Who may** (`reports:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         *
         *     Refused with: `reports_busy` (503), `report_too_slow` (503), `reports_not_installed` (503).
         */
        get: operations["read_consort_report"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/reports/completeness": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How complete each site's records are: visits, gradings, signatures, queries, locks
         * @description **Who may** (`reports:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         *
         *     Refused with: `reports_busy` (503), `report_too_slow` (503), `reports_not_installed` (503).
         */
        get: operations["read_completeness_report"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/reports/agreement": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How well independent gradings of the same visits agree, by site and by assessor
         * @description **Who may** (`reports:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `auditor` for the whole trial.
         *
         *     Refused with: `reports_busy` (503), `report_too_slow` (503), `reports_not_installed` (503).
         */
        get: operations["read_agreement_report"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/reports/endpoints": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The endpoints by arm, for the statistician and the data monitoring committee
         * @description Over the whole trial and by intention to treat; no subject is named.
         *
         *     **Who may** (`arm_reports:read`): `statistician`, `dmc` for the whole trial.
         *
         *     Refused with: `reports_busy` (503), `report_too_slow` (503), `reports_not_installed` (503).
         */
        get: operations["read_endpoints_report"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/reports/safety-by-arm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Adverse events by arm, for the statistician and the data monitoring committee
         * @description Over the whole trial and by intention to treat; no subject is named.
         *
         *     **Who may** (`arm_reports:read`): `statistician`, `dmc` for the whole trial.
         *
         *     Refused with: `reports_busy` (503), `report_too_slow` (503), `reports_not_installed` (503).
         */
        get: operations["read_safety_report"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/exports/{format}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The whole trial as a file, for data managers and statisticians: it names each subject's arm
         * @description Everything in it is of one moment. The same data on the same day give the same bytes. The `Accept` header chooses between the forms of a format. The trail tells who took which export.
         *
         *     **Who may** (`exports:read`): `data_manager`, `statistician` for the whole trial.
         *
         *     Refused with: `exports_busy` (503), `no_room_for_export` (503).
         */
        get: operations["read_export"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/exports/fhir/metadata": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What the service can do, in FHIR's own words: a CapabilityStatement
         * @description It exports the whole trial (`GET /v1/exports/fhir`) and nothing else: resources cannot be read one by one, searched or changed. The statement needs no token, as FHIR has it.
         *
         *     **Who may** (`documentation:read`): anyone, without a token.
         */
        get: operations["read_fhir_capabilities"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What happened at your sites, in the order in which it was committed
         * @description Ask again with `after` = the `id` of the last item that you have: no event ever appears before one that you have read, so nothing is missed. Events hold no clinical data: follow their links. With `Accept: text/event-stream` the answer goes on, for live screens: each event comes within a second or so, and a comment where fifteen seconds pass without one. It ends with the access token, at the latest: come again with a new one and `Last-Event-ID`. Read it with `fetch`, for a browser's `EventSource` cannot send a token, and none is taken from the address.
         *
         *     **Who may** (`events:read`): `investigator`, `coordinator`, `monitor`, `hospital_system` at their own sites; `data_manager`, `safety_officer`, `statistician`, `dmc`, `auditor` for the whole trial.
         *
         *     Refused with: `too_many_streams` (429), `streams_busy` (503).
         */
        get: operations["list_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Your webhooks, active or not, oldest first; an admin sees every one
         * @description **Who may** (`webhooks:read`): `hospital_system` at their own sites; `admin` for the whole trial.
         */
        get: operations["list_webhooks"];
        put?: never;
        /**
         * Have events sent to an address; the answer shows the secret, once
         * @description A signed `webhook.ping` is sent there first. An address that redirects or is not of the public internet is refused; one that does not answer is not.
         *
         *     **Who may** (`webhooks:create`): `hospital_system` at their own sites; `admin` for the whole trial.
         *
         *     Refused with: `owner_without_account` (403), `idempotency_key_reused` (422), `too_many_requests` (429).
         */
        post: operations["create_webhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{webhook_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One webhook
         * @description **Who may** (`webhooks:read`): `hospital_system` at their own sites; `admin` for the whole trial.
         */
        get: operations["read_webhook"];
        put?: never;
        post?: never;
        /**
         * End a webhook for good; it and its deliveries are kept for the record
         * @description Nothing more is sent, also of what waits; it is not begun again: make a new one.
         *
         *     **Who may** (`webhooks:change`): `hospital_system` at their own sites; `admin` for the whole trial.
         */
        delete: operations["end_webhook"];
        options?: never;
        head?: never;
        /**
         * Change a webhook, or switch it off and on; a new address is tried as at the beginning
         * @description What happens while it is off is not sent later: read it from the feed. What waited before is sent when it is on again.
         *
         *     **Who may** (`webhooks:change`): `hospital_system` at their own sites; `admin` for the whole trial.
         *
         *     Refused with: `webhook_ended` (409), `stale_version` (412), `too_many_requests` (429).
         */
        patch: operations["change_webhook"];
        trace?: never;
    };
    "/v1/webhooks/{webhook_id}/secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a new secret; for 24 hours the one before signs beside it
         * @description Receivers check both signatures until the day is over, so no message is lost between two configurations.
         *
         *     **Who may** (`webhooks:change`): `hospital_system` at their own sites; `admin` for the whole trial.
         *
         *     Refused with: `webhook_ended` (409), `idempotency_key_reused` (422).
         */
        post: operations["rotate_secret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{webhook_id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What was sent to a webhook, what is to be, and what was given up
         * @description Events of one subject are sent in their order: one that fails holds up those behind it.
         *
         *     **Who may** (`webhooks:read`): `hospital_system` at their own sites; `admin` for the whole trial.
         */
        get: operations["list_deliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{webhook_id}/deliveries/{event_id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Try a dead delivery anew, with the same `webhook-id`, before what waits behind it
         * @description **Who may** (`webhooks:change`): `hospital_system` at their own sites; `admin` for the whole trial.
         *
         *     Refused with: `webhook_ended` (409), `not_dead` (409), `idempotency_key_reused` (422).
         */
        post: operations["replay_delivery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit-events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The audit trail as a history: who did what when, from what to what, and why
         * @description An auditor reads all of it, monitors and investigators that of their sites. Nothing in it can be changed. With `format=csv` the answer holds every event up to this moment, however many, and `limit` is refused; the export stands in the trail itself.
         *
         *     **Who may** (`audit:read`): `investigator`, `monitor` at their own sites; `auditor` for the whole trial.
         */
        get: operations["list_audit_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/checkpoints": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The signed seals over the trail, oldest first
         * @description Fetch them regularly and keep them: whoever holds them can prove later, by `trial audit verify --against`, that no event before them was changed, added or removed.
         *
         *     **Who may** (`checkpoints:read`): `investigator`, `monitor` at their own sites; `auditor` for the whole trial.
         */
        get: operations["list_checkpoints"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the process answers
         * @description **Who may** (`health:read`): anyone, without a token.
         */
        get: operations["read_health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the service may be used
         * @description Checks the database, its schema revision, the role and row-level security, durability, and that the randomization secret makes the committed list.
         *
         *     **Who may** (`health:read`): anyone, without a token.
         *
         *     Refused with: `not_ready_to_serve` (503).
         */
        get: operations["read_readiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/problems": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The page that lists every problem, by status, with what it means
         * @description It is in English, or in Simplified Chinese for an `Accept-Language` that prefers that.
         *
         *     **Who may** (`documentation:read`): anyone, without a token.
         */
        get: operations["list_problems"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/problems/{code}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The page behind a problem's `type`: what it means and what to do next
         * @description It is in English, or in Simplified Chinese for an `Accept-Language` that prefers that.
         *
         *     **Who may** (`documentation:read`): anyone, without a token.
         */
        get: operations["read_problem"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/sandbox/clock": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Clinical time: what `today` and every `future` refusal refer to
         * @description A practice installation stands at any day you moved it to; tokens and the audit trail go on in real time.
         *
         *     **Who may** (`clock:move`): anyone, without a token.
         */
        get: operations["read_clock"];
        put?: never;
        /**
         * Move clinical time forward, so that months of a trial pass in minutes
         * @description Tokens, audit stamps and limits go on in real time.
         *
         *     **Who may** (`clock:move`): anyone, without a token.
         *
         *     Refused with: `clock_runs_forward` (409).
         */
        post: operations["move_clock"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/sandbox/scenarios": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The scenarios that a reset can begin with, and the one that is played now
         * @description **Who may** (`clock:move`): anyone, without a token.
         */
        get: operations["list_scenarios"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/sandbox/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Throw everything away and begin anew with a scenario
         * @description Its first use takes up to half a minute, while the sandbox goes on; every later one two or three seconds, in which all other requests are answered 503 with Retry-After. Access tokens from before are refused afterwards.
         *
         *     **Who may** (`clock:move`): anyone, without a token.
         *
         *     Refused with: `reset_under_way` (409), `reset_not_possible` (409).
         */
        post: operations["reset_sandbox"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface webhooks {
    "subject.screened": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A person entered screening
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_subject_screened"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "subject.screen_failed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A subject failed screening
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_subject_screen_failed"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "subject.eligible": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An investigator confirmed that a subject is eligible
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_subject_eligible"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "subject.randomized": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A subject was allocated to an arm, which the event does not name
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_subject_randomized"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "subject.on_treatment": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A subject began treatment
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_subject_on_treatment"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "subject.in_follow_up": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A subject went into follow-up
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_subject_in_follow_up"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "subject.completed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A subject completed the trial
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_subject_completed"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "subject.withdrawn": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A subject withdrew from the trial
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_subject_withdrawn"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "subject.lost_to_follow_up": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A subject could not be reached any more
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_subject_lost_to_follow_up"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "subject.died": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A subject died
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_subject_died"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "radiotherapy.recorded": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A subject's radiotherapy was recorded or changed
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_radiotherapy_recorded"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "visit.recorded": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A visit was recorded or changed
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_visit_recorded"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "visit.overdue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A visit's window closed and nothing was recorded
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_visit_overdue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "grading.recorded": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Oral mucositis was graded
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_grading_recorded"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "grading.corrected": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A grading was changed by its author
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_grading_corrected"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "adjudication.opened": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Two gradings of a visit differ
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_adjudication_opened"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "adjudication.decided": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An adjudicator decided which grade counts
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_adjudication_decided"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "endpoint.reached": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The subject's primary outcome is an event
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_endpoint_reached"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "endpoint.revised": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The subject's primary outcome was told to be an event, and is none any more
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_endpoint_revised"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "adverse_event.reported": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An adverse event was reported
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_adverse_event_reported"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "adverse_event.updated": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An adverse event was changed
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_adverse_event_updated"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "adverse_event.upgraded": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A case became graver than before in any respect
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_adverse_event_upgraded"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "adverse_event.nullified": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An adverse event was declared void
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_adverse_event_nullified"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "submission.recorded": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A safety report was sent
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_submission_recorded"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "submission.corrected": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The record of a sent safety report was changed
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_submission_corrected"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "deadline.opened": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A safety report is owed
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_deadline_opened"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "deadline.near": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A safety report is owed soon
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_deadline_near"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "deadline.missed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A safety report was not sent in time
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_deadline_missed"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "deadline.met": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A safety report that was owed was sent
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_deadline_met"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "deadline.changed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A safety report is owed at another time, again, or not any more
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_deadline_changed"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "query.opened": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A question about recorded data waits for the site
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_query_opened"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "stopping_rule.reached": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The committee has to look at an arm
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_stopping_rule_reached"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "webhook.ping": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sent to an address before a webhook is made or moved there; any answer will do
         * @description Sent to the webhooks of the site whose owners may hear of it. It holds no clinical value and never an arm: follow the links with your own token.
         */
        post: operations["receive_webhook_ping"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface components {
    schemas: {
        /** @description Where the account is found. */
        AccountLinks: {
            /**
             * @description The account itself, where it is read and changed.
             * @example /v1/users/019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07
             */
            self: string;
        };
        /**
         * @description One name per operation: the grant, the scope in a token, the row of the test matrix.
         *
         *     The set may grow: pass over a value that you do not know.
         *
         *     - `health:read`: Read health and readiness; needs no token.
         *     - `documentation:read`: Read the pages that explain problems; needs no token.
         *     - `session:create`: Ask for tokens; needs no token.
         *     - `session:end`: End a session; whoever holds its token may.
         *     - `password:change`: Replace a password, with the old one.
         *     - `totp:enrol`: Bind a second factor to the account.
         *     - `keys:read`: Read the public keys that verify tokens; needs no token.
         *     - `self:read`: Read one's own account, sites and grants.
         *     - `users:read`: Read the accounts of people.
         *     - `users:create`: Make an account for a person.
         *     - `users:change`: Change a person's role or sites, or deactivate the account.
         *     - `clients:read`: Read the accounts of machines.
         *     - `clients:create`: Make an account for a hospital's system.
         *     - `clients:change`: Change a system's sites, secret or keys, or deactivate it.
         *     - `audit:read`: Read who did what, when and why.
         *     - `checkpoints:read`: Read the signed seals over the audit trail.
         *     - `clock:move`: Move the clock of a practice installation forward.
         *     - `study:read`: Read the trial, its sites, its protocol, its terms and its labels.
         *     - `activations:read`: Read which approvals a site's ethics committee gave.
         *     - `activations:create`: Record an approval of a site's ethics committee.
         *     - `subjects:read`: Read who is screened and where each subject stands.
         *     - `subjects:create`: Enter a person into screening.
         *     - `subjects:change`: Correct a subject or set a status by hand.
         *     - `consents:read`: Read which consent forms a subject signed or withdrew.
         *     - `consents:create`: Record a signed consent form or its withdrawal.
         *     - `eligibility:read`: Read the facts of screening and each criterion's verdict.
         *     - `eligibility:record`: Record the facts of screening.
         *     - `eligibility:sign`: Confirm, as an investigator, what the evaluation found.
         *     - `radiotherapy:read`: Read what was planned and delivered.
         *     - `radiotherapy:record`: Record the plan and the delivery.
         *     - `deviations:read`: Read departures from the protocol.
         *     - `deviations:create`: Record a departure from the protocol.
         *     - `exposures:read`: Read the study drug taken day by day; it tells the arm.
         *     - `exposures:record`: Record the study drug taken on a day.
         *     - `discontinuation:read`: Read whether treatment or taking part ended.
         *     - `discontinuation:record`: Record the end of treatment or of taking part.
         *     - `commitment:read`: Read what the randomization list was committed to; needs no token.
         *     - `proofs:read`: Read what proves that an allocation is the committed one.
         *     - `randomization:read`: Read who is randomized; assessors read it without the arm.
         *     - `randomization:create`: Allocate a subject to an arm.
         *     - `corrections:read`: Read errors made in randomization.
         *     - `corrections:create`: Record an error beside the allocation that stands.
         *     - `visits:read`: Read the schedule of visits and what took place.
         *     - `visits:record`: Record that a visit took place or was missed.
         *     - `gradings:read`: Read assessments of oral mucositis.
         *     - `gradings:create`: Record an assessment of oral mucositis.
         *     - `gradings:correct`: Correct a grading of one's own.
         *     - `gradings:sign`: Confirm a grading of one's own.
         *     - `certificates:read`: Read who is trained to grade.
         *     - `certificates:record`: Record that an assessor is trained to grade.
         *     - `adjudications:read`: Read the visits whose gradings differ.
         *     - `adjudications:decide`: Decide between gradings that differ.
         *     - `endpoint:read`: Read a subject's outcome and how it was derived.
         *     - `adverse_events:read`: Read what happened to a subject's safety.
         *     - `adverse_events:create`: Report that an adverse event occurred.
         *     - `adverse_events:correct`: Change an adverse event or nullify it.
         *     - `adverse_events:sign`: Confirm, as an investigator, the review of an adverse event.
         *     - `reference_documents:read`: Read which reactions are expected.
         *     - `reference_documents:create`: Publish a version of the reference safety information.
         *     - `deadlines:read`: Read which safety reports are owed, by when, and to whom.
         *     - `submissions:read`: Read which safety reports were sent.
         *     - `submissions:record`: Record that a safety report was sent.
         *     - `case_reports:read`: Read a case as a report in ICH E2B(R3).
         *     - `stopping_rules:read`: Read how near an arm is to a stopping rule; it tells figures by arm.
         *     - `events:read`: Read the feed of what happened.
         *     - `webhooks:read`: Read where events are sent.
         *     - `webhooks:create`: Have events sent to an address.
         *     - `webhooks:change`: Change or end a webhook.
         *     - `randomization_report:read`: Read how strata and sites are filled.
         *     - `reports:read`: Read the reports that are blind to the arm.
         *     - `arm_reports:read`: Read the reports that compare the arms.
         *     - `exports:read`: Take the whole trial as a file; it names each subject's arm.
         *     - `queries:read`: Read questions about recorded data.
         *     - `queries:create`: Ask about recorded data.
         *     - `queries:change`: Answer, reopen or close a data query.
         *     - `verifications:read`: Read which gradings were compared with their source.
         *     - `verifications:create`: Record that a grading was compared with its source.
         *     - `locks:read`: Read whether a subject's record, or the trial's, may change.
         *     - `locks:set`: Freeze, lock or open a subject's record, or the trial's.
         * @enum {string}
         */
        Action: "health:read" | "documentation:read" | "session:create" | "session:end" | "password:change" | "totp:enrol" | "keys:read" | "self:read" | "users:read" | "users:create" | "users:change" | "clients:read" | "clients:create" | "clients:change" | "audit:read" | "checkpoints:read" | "clock:move" | "study:read" | "activations:read" | "activations:create" | "subjects:read" | "subjects:create" | "subjects:change" | "consents:read" | "consents:create" | "eligibility:read" | "eligibility:record" | "eligibility:sign" | "radiotherapy:read" | "radiotherapy:record" | "deviations:read" | "deviations:create" | "exposures:read" | "exposures:record" | "discontinuation:read" | "discontinuation:record" | "commitment:read" | "proofs:read" | "randomization:read" | "randomization:create" | "corrections:read" | "corrections:create" | "visits:read" | "visits:record" | "gradings:read" | "gradings:create" | "gradings:correct" | "gradings:sign" | "certificates:read" | "certificates:record" | "adjudications:read" | "adjudications:decide" | "endpoint:read" | "adverse_events:read" | "adverse_events:create" | "adverse_events:correct" | "adverse_events:sign" | "reference_documents:read" | "reference_documents:create" | "deadlines:read" | "submissions:read" | "submissions:record" | "case_reports:read" | "stopping_rules:read" | "events:read" | "webhooks:read" | "webhooks:create" | "webhooks:change" | "randomization_report:read" | "reports:read" | "arm_reports:read" | "exports:read" | "queries:read" | "queries:create" | "queries:change" | "verifications:read" | "verifications:create" | "locks:read" | "locks:set";
        /**
         * @description What was done with the study drug.
         *
         *     - `none`: The study drug went on as planned.
         *     - `interrupted`: The study drug was paused and may be resumed.
         *     - `withdrawn`: The study drug was given up for good.
         *     - `not_applicable`: The subject took no study drug: before it began, after it ended, or in the control arm.
         *     - `unknown`: It is not known what was done with the study drug.
         * @enum {string}
         */
        ActionTaken: "none" | "interrupted" | "withdrawn" | "not_applicable" | "unknown";
        /** @description An ethics approval at a site. */
        ActivationCreate: {
            /**
             * @description The version of the protocol that was approved.
             * @example 1.0
             */
            protocol_version: string;
            /**
             * @description The version of the consent form that the ethics committee approved.
             * @example 1.0
             */
            consent_version: string;
            /**
             * @description The number under which the ethics committee files its approval.
             * @example 2025-KY-0439
             */
            ethics_reference: string;
            /**
             * Format: date
             * @description The local day of the approval: a site recruits from then on (ICH E6(R3) 4.3.5).
             * @example 2026-01-05
             */
            approved_on: string;
        };
        /** @description Activations of a site, oldest first. */
        ActivationPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["ActivationRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description A recorded ethics approval. */
        ActivationRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             */
            id: string;
            /**
             * @description The code of the hospital, as `GET /v1/sites` lists it. Records of a hospital that is not yours do not exist for you.
             * @example NN
             */
            site: string;
            /**
             * @description The version of the protocol that was approved.
             * @example 1.0
             */
            protocol_version: string;
            /**
             * @description The version of the consent form that the ethics committee approved.
             * @example 1.0
             */
            consent_version: string;
            /**
             * @description The number under which the ethics committee files its approval.
             * @example 2025-KY-0439
             */
            ethics_reference: string;
            /**
             * Format: date
             * @description The local day of the approval: a site recruits from then on (ICH E6(R3) 4.3.5).
             */
            approved_on: string;
            /**
             * Format: date-time
             * @description When it was written down, by the service's own clock (21 CFR 11.10(e)); what it tells of may be earlier.
             */
            recorded_at: string;
        };
        /** @description Who acted, as the account was named and what its role was at that time. */
        ActorRead: {
            /**
             * @description The account; null of the service itself.
             * @example 5f0c2a7e-1b7d-5c54-9c39-6d0f7a4f2a11
             */
            id: string | null;
            /**
             * @description As the account was named then.
             * @example Demo investigator, Nanning
             */
            name: string | null;
            /**
             * @description The role it acted in; `worker` is the service itself.
             * @example investigator
             */
            role: string | null;
        };
        /** @description Adjudications in the order in which they were opened. */
        AdjudicationPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["AdjudicationRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description The adjudicator's decision, or the correction of one. */
        AdjudicationPatch: {
            /**
             * @description On the protocol's scale; it counts for the visit.
             * @example 3
             */
            grade: number;
            /**
             * @description What the decision rests on. It is always needed.
             * @example Both photographs show a confluent membrane on the soft palate
             */
            reason: string;
        };
        /** @description A visit whose gradings differ, and what was decided about it. */
        AdjudicationRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             * @example 019c8a55-3c12-7b4f-9d20-6e8f1a2b3c4d
             */
            id: string;
            /**
             * Format: uuid
             * @description The `id` of the subject whom it is about.
             * @example 019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07
             */
            subject_id: string;
            /**
             * @description The code of the hospital, as `GET /v1/sites` lists it. Records of a hospital that is not yours do not exist for you.
             * @example NN
             */
            site: string;
            /**
             * @description Read its gradings at the subject's visit of this code.
             * @example RT4A
             */
            visit: string;
            /**
             * @description Whether it was decided; the endpoint waits for those that are open.
             * @example decided
             */
            status: components["schemas"]["AdjudicationStatus"];
            /**
             * @description The grade that counts for the visit; null while it is open.
             * @example 3
             */
            grade: number | null;
            /**
             * Format: uuid
             * @description Who decided last; null while it is open.
             * @example 019c8a50-11aa-7d3c-8e0f-2b4c6d8e0f1a
             */
            adjudicator: string | null;
            /**
             * @description What the decision rests on.
             * @example Both photographs show a confluent membrane on the soft palate
             */
            reason: string | null;
            /**
             * @description The protocol in force when this version was recorded.
             * @example 1.0
             */
            protocol_version: string;
            /**
             * Format: date-time
             * @description When it was opened, or decided last.
             * @example 2026-04-08T03:00:00Z
             */
            recorded_at: string;
            /**
             * @description 1 as the service opened it, 2 with the decision.
             * @example 2
             */
            version: number;
        };
        /**
         * @description Whether an adjudicator has decided.
         *
         *     - `open`: Nobody has decided yet: the visit has no grade that counts.
         *     - `decided`: An adjudicator has decided which grade counts.
         * @enum {string}
         */
        AdjudicationStatus: "open" | "decided";
        /** @description A site's report of an adverse event. */
        AdverseEventCreate: {
            /**
             * @description A term of CTCAE, in its wording.
             * @example Dysphagia
             */
            term: string;
            /**
             * @description What it is, for a term that says «Other, specify».
             * @example Trismus after surgery
             */
            term_detail?: string | null;
            /**
             * @description Severity; the term defines which exist.
             * @example 3
             */
            grade: number;
            /**
             * Format: date
             * @description The local day on which the event began, at this grade.
             * @example 2026-04-10
             */
            onset_on: string;
            /**
             * Format: date
             * @description The local day on which it was over; null while it lasts.
             */
            resolved_on?: string | null;
            /**
             * Format: date-time
             * @description When the site learnt of it: day 0.
             * @example 2026-04-11T01:15:00Z
             */
            aware_at: string;
            /**
             * @description Whether it is serious by the criteria of ICH E2B(R3) E.i.3.2, which is another question than how severe it is. A serious event starts the clocks; a wrong no here is a report that is missed.
             * @example true
             */
            serious: boolean;
            /**
             * @description Which of the criteria make it serious; empty of an event that is not.
             * @example [
             *       "hospitalisation"
             *     ]
             */
            seriousness: components["schemas"]["Seriousness"][];
            /** @description The investigator's judgment, of each treatment by itself. */
            causality: components["schemas"]["Causality"];
            /**
             * @description What was done with the study drug because of it.
             * @example none
             */
            action_taken: components["schemas"]["ActionTaken"];
            /**
             * @description How the event stands, or how it ended (ICH E2B(R3) E.i.7).
             * @example recovering
             */
            outcome: components["schemas"]["EventOutcome"];
            /**
             * @description The event in words. Name no person: it goes into case reports as it stands.
             * @example Admitted for tube feeding after two days without solid food.
             */
            narrative?: string | null;
            /**
             * Format: uuid
             * @description The `id` of the occurrence before, where the severity of one event changed: each grade has its own period.
             * @example null
             */
            continues?: string | null;
        };
        /** @description Adverse events in the order of their reporting. */
        AdverseEventPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["AdverseEventRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /**
         * @description A follow-up, a correction, an assessment or a nullification.
         *
         *     sponsor_causality, expectedness and the coding in MedDRA are the safety
         *     officer's, everything else the site's; both may nullify.
         */
        AdverseEventPatch: {
            /**
             * @description The term, corrected; every occurrence of the case follows.
             * @example Dysphagia
             */
            term?: string;
            /**
             * @description What it is, for a term that says «Other, specify»; null takes it away.
             * @example Trismus after surgery
             */
            term_detail?: string | null;
            /**
             * @description Severity, corrected. An event that grew worse is reported anew with `continues` instead.
             * @example 2
             */
            grade?: number;
            /**
             * Format: date
             * @description The local day on which the event began, at this grade.
             */
            onset_on?: string;
            /**
             * Format: date
             * @description The local day on which it was over; null while it lasts.
             * @example 2026-04-20
             */
            resolved_on?: string | null;
            /**
             * Format: date-time
             * @description When the site learnt of it: day 0 of every clock of safety reporting (ICH E2A).
             */
            aware_at?: string;
            /** @description Whether it is serious by the criteria of ICH E2B(R3) E.i.3.2, which is another question than how severe it is. A serious event starts the clocks; a wrong no here is a report that is missed. */
            serious?: boolean;
            /** @description Which of the criteria make it serious; empty of an event that is not. */
            seriousness?: components["schemas"]["Seriousness"][];
            /** @description The investigator's judgment, of one treatment or of both. */
            causality?: components["schemas"]["CausalityPatch"];
            /** @description What was done with the study drug because of it. */
            action_taken?: components["schemas"]["ActionTaken"];
            /**
             * @description How the event stands, or how it ended (ICH E2B(R3) E.i.7).
             * @example recovered
             */
            outcome?: components["schemas"]["EventOutcome"];
            /**
             * @description The event in words. Name no person: it goes into case reports as it stands.
             * @example Eats soft food again.
             */
            narrative?: string | null;
            /**
             * Format: date-time
             * @description When you learnt of what changes: day 0 of deadlines that it starts. Now, if left out.
             * @example 2026-04-14T02:30:00Z
             */
            informed_at?: string;
            /**
             * @description The event did not happen, or is another one. With nothing but a reason, and for good: nothing is ever deleted.
             * @example true
             * @constant
             */
            nullified?: true;
            /** @description How likely the sponsor's safety officer holds it that the study drug caused it. Where the two differ, the event is reported all the same (ICH E2A). */
            sponsor_causality?: components["schemas"]["CausalityVerdict"] | null;
            /** @description The safety officer's: expected if the reference safety information in force on the day of onset lists the term at this grade or above. */
            expectedness?: components["schemas"]["Expectedness"] | null;
            /**
             * @description The safety officer's coding in MedDRA, with its version; a site's change of the term sets both back to the dictionary's.
             * @example 10044684
             */
            meddra_code?: string;
            /**
             * @description Of MedDRA, with the code.
             * @example 28.1
             */
            meddra_version?: string;
            /**
             * @description Why: 3 to 500 characters, kept in the audit trail beside what changes (ICH E6(R3) 4.2.2).
             * @example Follow-up: resolved
             */
            reason: string;
        };
        /** @description One version of an adverse event. */
        AdverseEventRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             */
            id: string;
            /**
             * Format: uuid
             * @description The `id` of the subject whom it is about.
             */
            subject_id: string;
            /**
             * @description The code of the hospital, as `GET /v1/sites` lists it. Records of a hospital that is not yours do not exist for you.
             * @example NN
             */
            site: string;
            /**
             * Format: uuid
             * @description The `id` of the first occurrence: deadlines run for the case.
             * @example 019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19
             */
            case_id: string;
            /**
             * Format: uuid
             * @description The occurrence before, of another grade.
             * @example null
             */
            continues: string | null;
            /**
             * Format: uuid
             * @description The occurrence after, of another grade.
             * @example null
             */
            continued_by: string | null;
            /**
             * @description It does not count any more; `reason` says why.
             * @example false
             */
            nullified: boolean;
            /**
             * @description The term of CTCAE, in its wording.
             * @example Dysphagia
             */
            term: string;
            /**
             * @description What it is, for a term that says «Other, specify»; else null.
             * @example Trismus after surgery
             */
            term_detail: string | null;
            /**
             * @description The lowest level term in MedDRA, eight digits: the dictionary's, or the safety officer's.
             * @example 10013950
             */
            meddra_code: string;
            /**
             * @description Of MedDRA, which has the code.
             * @example 20.1
             */
            meddra_version: string;
            /**
             * @description The version of CTCAE whose grades and term these are.
             * @example 5.0
             */
            ctcae_version: string;
            /**
             * @description Severity by CTCAE, 1 to 5 (death).
             * @example 3
             */
            grade: number;
            /**
             * Format: date
             * @description The local day on which the event began, at this grade.
             */
            onset_on: string;
            /**
             * Format: date
             * @description The local day on which it was over; null while it lasts.
             */
            resolved_on: string | null;
            /**
             * Format: date
             * @description The last day of this grade: of its resolution, the day the next grade began, or the day of death. Null while it lasts.
             * @example 2026-04-20
             */
            grade_until: string | null;
            /**
             * @description It began later after radiotherapy than the protocol collects events.
             * @example false
             */
            after_collection: boolean;
            /**
             * Format: date-time
             * @description When the site learnt of it: day 0 of every clock of safety reporting (ICH E2A).
             */
            aware_at: string;
            /**
             * Format: date-time
             * @description When the site learnt of what this version says.
             * @example 2026-04-11T01:15:00Z
             */
            informed_at: string;
            /**
             * Format: date-time
             * @description When this version was recorded, in the trial's time.
             * @example 2026-04-11T03:40:12Z
             */
            received_at: string;
            /** @description Whether it is serious by the criteria of ICH E2B(R3) E.i.3.2, which is another question than how severe it is. A serious event starts the clocks; a wrong no here is a report that is missed. */
            serious: boolean;
            /** @description Which of the criteria make it serious; empty of an event that is not. */
            seriousness: components["schemas"]["Seriousness"][];
            /** @description The investigator's judgment, of each treatment by itself. */
            causality: components["schemas"]["CausalityRead"];
            /** @description The safety officer's. */
            sponsor_causality: components["schemas"]["CausalityVerdict"] | null;
            /** @description The safety officer's. */
            expectedness: components["schemas"]["Expectedness"] | null;
            /**
             * @description Of the reference safety information that the expectedness was judged by.
             * @example 2.0
             */
            reference_version: string | null;
            /**
             * @description The investigator or the sponsor holds the study drug for a possible cause.
             * @example false
             */
            suspected: boolean;
            /**
             * @description Serious, suspected and not assessed as expected.
             * @example false
             */
            susar: boolean;
            /** @description What was done with the study drug because of it. */
            action_taken: components["schemas"]["ActionTaken"];
            /** @description How the event stands, or how it ended (ICH E2B(R3) E.i.7). */
            outcome: components["schemas"]["EventOutcome"];
            /**
             * @description The event in words. Name no person: it goes into case reports as it stands.
             * @example Admitted for tube feeding.
             */
            narrative: string | null;
            /**
             * @description The version of the protocol that was in force when it was recorded; `GET /v1/protocol-versions/{version}` has the document.
             * @example 1.0
             */
            protocol_version: string;
            /**
             * @description Why it was changed last; null in the first version.
             * @example Follow-up: resolved
             */
            reason: string | null;
            /**
             * Format: date-time
             * @description When it was written down, by the service's own clock (21 CFR 11.10(e)); what it tells of may be earlier.
             */
            recorded_at: string;
            /**
             * @description Counts the versions of the record, from 1: every change makes the next one and keeps those before (ICH E6(R3) 4.2.2).
             * @example 1
             */
            version: number;
            /**
             * @description What a signature covers.
             * @example 3f0c9b7e2d5a4c1890ab7f6e5d4c3b2a19088f7e6d5c4b3a291807f6e5d4c3b2
             */
            content_hash: string;
            /** @description The last one; among the versions, each one's own. */
            signature: components["schemas"]["SignatureRead"] | null;
        };
        /** @description Agreement of independent gradings, blind to arm. */
        Agreement: {
            /**
             * Format: date
             * @description The local day up to which data were counted.
             */
            as_of: string;
            /**
             * Format: date-time
             * @description When the newest of the counted records was made; null without any.
             */
            newest_record: string | null;
            /**
             * @description Whose rules derived the figures.
             * @example 1.0
             */
            protocol_version: string;
            /**
             * @description Whose subjects are counted.
             * @example [
             *       "LZ",
             *       "NN"
             *     ]
             */
            sites: string[];
            /**
             * @description The methods used, with their sources.
             * @example [
             *       "Wilson 1927"
             *     ]
             */
            methods: string[];
            /**
             * @description What a reader must know to judge the figures.
             * @example [
             *       "Nothing is imputed."
             *     ]
             */
            notes: string[];
            /** @description All pairs. */
            together: components["schemas"]["PairFigures"];
            /** @description The pairs of each site. */
            by_site: components["schemas"]["SitePairs"][];
            /** @description The pairs of each assessor: whose grades run high or low shows here. */
            by_assessor: components["schemas"]["AssessorPairs"][];
        };
        /**
         * @description The strongest analgesic the oral pain needs.
         *
         *     - `none`: Oral pain needs no analgesic.
         *     - `non_opioid`: A non-opioid analgesic is the strongest needed, such as paracetamol or an NSAID.
         *     - `opioid`: An opioid is needed for oral pain.
         * @enum {string}
         */
        Analgesic: "none" | "non_opioid" | "opioid";
        /** @description A group to which subjects are allocated. */
        Arm: {
            /**
             * @description The arm's code, by which allocations name it.
             * @example experimental
             */
            code: string;
            /**
             * @description What the arm is called in forms and reports.
             * @example Exosome oral spray
             */
            label: string;
            /** @description What kind of arm it is, in the registry's words. */
            type: components["schemas"]["ArmType"];
            /**
             * @description What its subjects receive.
             * @example 1.5 mL three times a day
             */
            description: string;
            /** @description Whether exposures are recorded of its subjects; of the others they are refused. */
            receives_study_drug: boolean;
        };
        /** @description Adverse events in one arm. */
        ArmEvents: {
            /**
             * @description The arm's code in the protocol.
             * @example experimental
             */
            arm: string;
            /**
             * @description How many subjects had at least one.
             * @example 12
             */
            subjects: number;
            /**
             * @description Of the arm's subjects.
             * @example 0.12
             */
            share: number | null;
            /**
             * @description How many events they had.
             * @example 15
             */
            events: number;
            /**
             * @description Subjects by their worst grade, 1 to 5.
             * @example [
             *       4,
             *       5,
             *       3,
             *       0,
             *       0
             *     ]
             */
            worst: number[];
        };
        /** @description What became of the subjects of one arm. */
        ArmFlow: {
            /**
             * @description The arm's code in the protocol.
             * @example experimental
             */
            arm: string;
            /**
             * @description All allocations.
             * @example 100
             */
            randomized: number;
            /**
             * @description Later allocations of the same person, left out below.
             * @example 1
             */
            not_retained: number;
            /**
             * @description The intention-to-treat set.
             * @example 99
             */
            analysed: number;
            /**
             * @description Had a first fraction.
             * @example 97
             */
            started_radiotherapy: number;
            /** @description How many gave up the study treatment, by cause. */
            treatment_ended: components["schemas"]["CauseCount"][];
            /** @description How many gave up taking part, by cause. */
            study_left: components["schemas"]["CauseCount"][];
            /**
             * @description Whose time of observation is over, with a primary outcome.
             * @example 80
             */
            evaluable: number;
            /**
             * @description Whose is over without one: too few gradings.
             * @example 6
             */
            not_evaluable: number;
            /**
             * @description Whose is not over.
             * @example 13
             */
            under_observation: number;
        };
        /** @description A group in words. */
        ArmLabels: {
            /**
             * @description What it is called.
             * @example 试验组
             */
            label: string;
            /**
             * @description What its subjects receive.
             * @example 每日三次，…
             */
            description: string;
        };
        /** @description A measure in one arm. */
        ArmMeasure: {
            /**
             * @description The arm's code in the protocol.
             * @example experimental
             */
            arm: string;
            /**
             * @description How many it could be told of.
             * @example 80
             */
            subjects: number;
            /** @description Null of nobody. */
            quartiles: components["schemas"]["QuartilesRead"] | null;
        };
        /** @description How often an outcome was reached in one arm, of those whose observation is over. */
        ArmOutcome: {
            /**
             * @description The arm's code in the protocol.
             * @example experimental
             */
            arm: string;
            /**
             * @description With or without the event.
             * @example 80
             */
            evaluable: number;
            /**
             * @description How many of them had the event.
             * @example 37
             */
            events: number;
            /** @description Wilson's interval; null of nobody. */
            share: components["schemas"]["Estimate"] | null;
            /**
             * @description Left out: too few gradings.
             * @example 6
             */
            not_evaluable: number;
            /**
             * @description Events of subjects still observed, left out: those without one still wait.
             * @example 9
             */
            early_events: number;
            /**
             * @description Still observed, without an event yet.
             * @example 4
             */
            pending: number;
        };
        /** @description An arm and its share of each block. */
        ArmShare: {
            /**
             * @description The arm's code in the protocol.
             * @example experimental
             */
            code: string;
            /**
             * @description How many slots of a block it gets, beside the shares of the others.
             * @example 1
             */
            share: number;
        };
        /** @description The time to the first severe grade in one arm. */
        ArmTimes: {
            /**
             * @description The arm's code in the protocol.
             * @example experimental
             */
            arm: string;
            /**
             * @description With a first fraction and a grading.
             * @example 97
             */
            subjects: number;
            /**
             * @description Severe grades.
             * @example 45
             */
            events: number;
            /**
             * @description Left the study before one.
             * @example 5
             */
            left_first: number;
            /**
             * @description At the last grading.
             * @example 47
             */
            censored: number;
            /**
             * @description When half had one; null if fewer had.
             * @example 38
             */
            median_day: number | null;
            /**
             * @description The longest that anyone was watched; null of nobody.
             * @example 136
             */
            last_day: number | null;
            /** @description Every two weeks. */
            at_risk: components["schemas"]["AtRisk"][];
            /** @description Free of one: Kaplan and Meier. */
            free: components["schemas"]["CurvePoint"][];
            /** @description Had one: Aalen and Johansen. */
            severe: components["schemas"]["CurvePoint"][];
            /** @description Left before one: Aalen and Johansen. */
            left: components["schemas"]["CurvePoint"][];
        };
        /**
         * @description What an arm receives, in the words of ClinicalTrials.gov.
         *
         *     - `experimental`: The arm receives what the trial studies.
         *     - `active_comparator`: The arm receives an effective treatment to compare with.
         *     - `placebo_comparator`: The arm receives a placebo.
         *     - `no_intervention`: The arm receives no intervention of the trial.
         * @enum {string}
         */
        ArmType: "experimental" | "active_comparator" | "placebo_comparator" | "no_intervention";
        /** @description G.k.9.i: one party's judgment whether one reaction comes from this treatment. */
        Assessment: {
            /**
             * Format: uuid
             * @description G.k.9.i.1: the reaction's `id`
             * @example 019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19
             */
            reaction: string;
            /**
             * @description G.k.9.i.2.r.1: who judged
             * @example Investigator
             */
            source: string;
            /**
             * @description G.k.9.i.2.r.3: their judgment
             * @example Possibly related
             */
            result: string;
        };
        /** @description Those in which one assessor took part: their grade is the row, the other's the column. */
        AssessorPairs: {
            /**
             * @description Visits that two assessors graded independently.
             * @example 90
             */
            pairs: number;
            /**
             * @description The share with the same grade; null of none.
             * @example 0.86
             */
            agreeing: number | null;
            /** @description Weighted by the squared distance of grades; null where it is not defined. */
            kappa_quadratic: components["schemas"]["Estimate"] | null;
            /** @description Weighted by their distance; null where it is not defined. */
            kappa_linear: components["schemas"]["Estimate"] | null;
            /**
             * @description Pairs by first (row) and second (column) grade, from the lowest on.
             * @example [
             *       [
             *         30,
             *         2,
             *         0,
             *         0,
             *         0
             *       ],
             *       [
             *         1,
             *         20,
             *         3,
             *         0,
             *         0
             *       ],
             *       [
             *         0,
             *         2,
             *         15,
             *         1,
             *         0
             *       ],
             *       [
             *         0,
             *         0,
             *         1,
             *         9,
             *         1
             *       ],
             *       [
             *         0,
             *         0,
             *         0,
             *         0,
             *         0
             *       ]
             *     ]
             */
            table: number[][];
            /**
             * Format: uuid
             * @description The `id` of the assessor's account.
             */
            assessor: string;
            /**
             * @description As it stands on the account now.
             * @example Demo assessor
             */
            name: string;
        };
        /** @description The difference if those who are not evaluable had ended that way. */
        Assumed: {
            /**
             * @description How those who are not evaluable are taken to have ended.
             * @example All not evaluable had the event
             */
            assumption: string;
            /** @description Miettinen and Nurminen. */
            difference: components["schemas"]["Estimate"] | null;
        };
        /** @description A ruling where the registry record is silent or contradicts itself. */
        AssumptionRead: {
            /**
             * @description Names the ruling.
             * @example no_placebo
             */
            id: string;
            /**
             * @description What the registry record says, or that it says nothing.
             * @example The description says placebo-controlled; the control arm has no intervention.
             */
            record: string;
            /**
             * @description What the trial does.
             * @example There is no placebo.
             */
            ruling: string;
            /**
             * @description What speaks for the ruling.
             * @example The arms and interventions are the registered fields.
             */
            reason: string;
            /**
             * @description The parts of the document that follow from it.
             * @example [
             *       "treatment"
             *     ]
             */
            parameters: string[];
        };
        /** @description How many were watched, without a severe grade, when a day began. */
        AtRisk: {
            /**
             * @description From the first fraction, day 0.
             * @example 28
             */
            day: number;
            /**
             * @description How many they were.
             * @example 76
             */
            subjects: number;
        };
        /**
         * @description What was done, as the trail names it.
         *
         *     - `subject enrolled`: A person entered screening.
         *     - `subject changed`: A subject's data or status was changed.
         *     - `consent recorded`: A signed consent form was recorded.
         *     - `consent withdrawn`: A withdrawal of consent was recorded.
         *     - `eligibility recorded`: The facts of screening were recorded for the first time.
         *     - `eligibility corrected`: The facts of screening were recorded anew.
         *     - `eligibility signed`: An investigator signed the evaluation.
         *     - `radiotherapy recorded`: The radiotherapy plan was recorded for the first time.
         *     - `radiotherapy corrected`: The radiotherapy plan or delivery was changed.
         *     - `deviation recorded`: A departure from the protocol was recorded.
         *     - `subject randomized`: A subject was allocated to an arm.
         *     - `randomization error recorded`: An error made in randomization was recorded beside the allocation.
         *     - `visit recorded`: A visit was recorded for the first time.
         *     - `visit corrected`: A recorded visit was changed.
         *     - `study drug recorded`: The study drug taken on a day was recorded.
         *     - `study drug corrected`: The record of study drug taken on a day was changed.
         *     - `discontinuation recorded`: The end of treatment or of taking part was recorded.
         *     - `discontinuation corrected`: The record of a discontinuation was changed.
         *     - `grading recorded`: Oral mucositis was graded.
         *     - `grading corrected`: A grading was changed by its author.
         *     - `grading signed`: A grading was signed by its author.
         *     - `adjudication opened`: Two gradings of a visit differed.
         *     - `adjudication decided`: An adjudicator decided between gradings that differ.
         *     - `certificate recorded`: An assessor's training was recorded.
         *     - `certificate changed`: The record of an assessor's training was changed.
         *     - `adverse event reported`: An adverse event was reported for the first time.
         *     - `adverse event corrected`: An adverse event was changed, assessed or nullified.
         *     - `adverse event signed`: An investigator signed the review of an adverse event.
         *     - `reference document published`: A version of the reference safety information was published.
         *     - `deadline opened`: A safety report came to be owed.
         *     - `deadline followed`: What is owed of a safety report changed.
         *     - `deadline reminded of`: The service reminded of a safety report that is owed.
         *     - `submission recorded`: A safety report that was sent was recorded.
         *     - `submission corrected`: The record of a sent safety report was changed or withdrawn.
         *     - `query raised`: A question about recorded data was asked.
         *     - `query discussed`: A data query was answered, reopened or closed.
         *     - `grading verified`: A grading was compared with its source.
         *     - `subject lock set`: A subject's record was frozen, locked or opened.
         *     - `stopping rule evaluated`: A stopping rule was evaluated over an arm.
         *     - `study lock set`: The trial's record was frozen, locked or opened.
         *     - `site activated`: An approval of a site's ethics committee was recorded.
         *     - `protocol published`: A version of the protocol was published.
         *     - `randomization list committed`: The commitment to the randomization list was published.
         *     - `account created`: An account for a person or a system was made.
         *     - `account changed`: The role, sites or credentials of an account were changed.
         *     - `webhook created`: Events came to be sent to an address.
         *     - `webhook changed`: A webhook was changed or ended.
         *     - `signed in`: A session began.
         *     - `session ended`: A session was over: by signing out, or by force.
         *     - `session changed`: Something was signed in a session.
         *     - `sign-in refused`: Someone failed to sign in.
         *     - `sign-in throttled`: Someone was made to wait after failing to sign in too often.
         *     - `signature refused`: Someone failed to show who they are when signing.
         *     - `permission refused`: Someone asked for what their role does not include.
         *     - `record read`: A record of one subject was read.
         *     - `list read`: A list of records was read.
         *     - `trail exported`: The audit trail was read as a table.
         *     - `data exported`: The whole trial was taken as a file.
         * @enum {string}
         */
        AuditAction: "subject enrolled" | "subject changed" | "consent recorded" | "consent withdrawn" | "eligibility recorded" | "eligibility corrected" | "eligibility signed" | "radiotherapy recorded" | "radiotherapy corrected" | "deviation recorded" | "subject randomized" | "randomization error recorded" | "visit recorded" | "visit corrected" | "study drug recorded" | "study drug corrected" | "discontinuation recorded" | "discontinuation corrected" | "grading recorded" | "grading corrected" | "grading signed" | "adjudication opened" | "adjudication decided" | "certificate recorded" | "certificate changed" | "adverse event reported" | "adverse event corrected" | "adverse event signed" | "reference document published" | "deadline opened" | "deadline followed" | "deadline reminded of" | "submission recorded" | "submission corrected" | "query raised" | "query discussed" | "grading verified" | "subject lock set" | "stopping rule evaluated" | "study lock set" | "site activated" | "protocol published" | "randomization list committed" | "account created" | "account changed" | "webhook created" | "webhook changed" | "signed in" | "session ended" | "session changed" | "sign-in refused" | "sign-in throttled" | "signature refused" | "permission refused" | "record read" | "list read" | "trail exported" | "data exported";
        /** @description One page of the audit trail, in the order of writing. */
        AuditEventPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["AuditEventRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description Something that was done: by whom, when, to what, from what to what, and why. */
        AuditEventRead: {
            /**
             * @description Rises in the order of writing.
             * @example 1042
             */
            id: number;
            /**
             * Format: date-time
             * @description When, by the service's own clock (21 CFR 11.10(e)).
             */
            at: string;
            /** @description Null where nobody was signed in. */
            actor: components["schemas"]["ActorRead"] | null;
            /**
             * @description What was done, in the words that the filter `action` takes.
             * @example grading corrected
             */
            action: string;
            /**
             * @description Where; null of what concerns the whole trial.
             * @example NN
             */
            site: string | null;
            /** @description Whom it was about; null where it was about nobody. */
            subject: components["schemas"]["AuditedSubject"] | null;
            /**
             * @description The kind of record, or the operation that was read or refused.
             * @example grading
             */
            record: string;
            /**
             * @description Which record of that kind, by its `id` or its name; empty of a list.
             * @example 019c8a52-8f31-7d02-8b6e-2c9d4e7f1a35
             */
            record_id: string;
            /** @description Each field that changed; empty where nothing was written. */
            changes: components["schemas"]["ChangeRead"][];
            /** @description What else is known where no row changed. */
            detail: components["schemas"]["JsonObject"] | null;
            /**
             * @description Why, as whoever did it said; null where no reason is asked.
             * @example Misread the source
             */
            reason: string | null;
            /** @description The `X-Request-Id` under which it was asked for: quote it to find it in logs. */
            request_id: string | null;
            /**
             * @description All of it in one sentence.
             * @example Wei Lan (investigator) corrected a grading of subject NN-0001: grade from 2 to 3.
             */
            summary: string;
        };
        /** @description Whom it was about. */
        AuditedSubject: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             */
            id: string;
            /**
             * @description The subject's number in the trial: the site's code and a count, which is all that reports and case reports name the subject by.
             * @example NN-0001
             */
            number: string | null;
        };
        /** @description RFC 8414 metadata. */
        AuthorizationServer: {
            /**
             * @description The `iss` of every token.
             * @example http://127.0.0.1:8000
             */
            issuer: string;
            /**
             * @description Where to ask for a token.
             * @example http://127.0.0.1:8000/v1/oauth/token
             */
            token_endpoint: string;
            /**
             * @description Where to end a session.
             * @example http://127.0.0.1:8000/v1/oauth/revoke
             */
            revocation_endpoint: string;
            /**
             * @description Where the public keys are that verify tokens.
             * @example http://127.0.0.1:8000/.well-known/jwks.json
             */
            jwks_uri: string;
            /** @description With what a token may be asked for. */
            grant_types_supported: components["schemas"]["GrantType"][];
            /** @description How a client may show who it is. */
            token_endpoint_auth_methods_supported: components["schemas"]["ClientAuthentication"][];
            /**
             * @description How an assertion may be signed.
             * @example [
             *       "ES256"
             *     ]
             */
            token_endpoint_auth_signing_alg_values_supported: string[];
            /** @description None: the token is enough to end it. */
            revocation_endpoint_auth_methods_supported: "none"[];
            /**
             * @description The only scope; the role decides what a token may do.
             * @example [
             *       "trial"
             *     ]
             */
            scopes_supported: string[];
            /**
             * @description None: there is no authorization endpoint.
             * @example []
             */
            response_types_supported: string[];
        };
        /** @description A line of the boundary. */
        BoundaryStepRead: {
            /**
             * @description From so many subjects of the arm …
             * @example 31
             */
            from_subjects: number;
            /**
             * @description … through so many …
             * @example 44
             */
            to_subjects: number;
            /**
             * @description … this number of events reaches the rule.
             * @example 5
             */
            events: number;
        };
        /** @description The individual case safety report of a SUSAR: all that the message in XML holds. */
        CaseReport: {
            /** @description N: who sends what to whom, and when. */
            message: components["schemas"]["Message"];
            /** @description C.1: which report this is, and of which version of the facts. */
            report: components["schemas"]["Report"];
            /** @description C.2.r: who told the sponsor. */
            primary_source: components["schemas"]["PrimarySource"];
            /** @description C.3: the sponsor, who answers for the report. */
            sender: components["schemas"]["Sender"];
            /** @description C.5: the trial in which it happened. */
            study: components["schemas"]["StudyIdentification"];
            /** @description D: the subject, by number only. */
            patient: components["schemas"]["Patient"];
            /** @description E: the case's occurrences, oldest first. */
            reactions: components["schemas"]["Reaction"][];
            /** @description G: the study drug, and radiotherapy once it began. */
            drugs: components["schemas"]["Drug"][];
            /** @description H: the case in words, and the sponsor's comments. */
            narrative: components["schemas"]["Narrative"];
        };
        /** @description The investigator's judgment on each treatment. */
        Causality: {
            /**
             * @description How likely it is that the study drug caused it; what makes a serious event a suspected reaction.
             * @example unlikely
             */
            study_drug: components["schemas"]["CausalityVerdict"];
            /**
             * @description How likely it is that radiotherapy caused it.
             * @example probably
             */
            radiotherapy: components["schemas"]["CausalityVerdict"];
        };
        /** @description A corrected judgment on either treatment; the other one stays. */
        CausalityPatch: {
            /**
             * @description How likely it is that the study drug caused it; what makes a serious event a suspected reaction.
             * @example possibly
             */
            study_drug?: components["schemas"]["CausalityVerdict"];
            /** @description How likely it is that radiotherapy caused it, corrected. */
            radiotherapy?: components["schemas"]["CausalityVerdict"];
        };
        /** @description The investigator's judgment on each treatment, as recorded. */
        CausalityRead: {
            /** @description How likely it is that the study drug caused it; what makes a serious event a suspected reaction. */
            study_drug: components["schemas"]["CausalityVerdict"];
            /** @description How likely it is that radiotherapy caused it. */
            radiotherapy: components["schemas"]["CausalityVerdict"];
        };
        /**
         * @description How likely it is that a treatment caused the event.
         *
         *     - `related`: The treatment caused the event; counts as related.
         *     - `probably`: The treatment probably caused the event; counts as related.
         *     - `possibly`: The treatment may have caused the event; counts as related.
         *     - `unlikely`: The treatment hardly caused the event.
         *     - `not_related`: The treatment did not cause the event.
         *     - `not_assessable`: What is known does not allow a judgment.
         * @enum {string}
         */
        CausalityVerdict: "related" | "probably" | "possibly" | "unlikely" | "not_related" | "not_assessable";
        /** @description How many gave up for a cause. */
        CauseCount: {
            /**
             * @description A cause, as `discontinuation` records it.
             * @example adverse_event
             */
            cause: string;
            /**
             * @description Subjects who gave that cause.
             * @example 3
             */
            subjects: number;
        };
        /** @description D.9.2.r: a cause as the site reported it. */
        CauseOfDeath: {
            /**
             * @description D.9.2.r.1a: version of MedDRA
             * @example 20.1
             */
            meddra_version: string;
            /**
             * @description D.9.2.r.1b: code in MedDRA
             * @example 10035664
             */
            meddra_code: string;
            /**
             * @description D.9.2.r.2: in words
             * @example Aspiration
             */
            text: string;
        };
        /** @description An assessor's training in grading oral mucositis. */
        CertificateCreate: {
            /**
             * Format: uuid
             * @description The `id` of the assessor's or investigator's account.
             * @example 019c8a50-22bb-7e4d-9f10-3c5d7e9f0a1b
             */
            assessor: string;
            /**
             * Format: date
             * @description The first day on which gradings are covered.
             * @example 2026-01-12
             */
            valid_from: string;
            /**
             * Format: date
             * @description The last day on which gradings are covered.
             * @example 2028-01-11
             */
            valid_until: string;
            /**
             * @description What was passed.
             * @example Calibration course on oral mucositis, 20 photographs, kappa 0.84
             */
            training: string;
        };
        /** @description Certificates in the order in which they were first recorded. */
        CertificatePage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["CertificateRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description A correction, or an early end. */
        CertificatePatch: {
            /**
             * Format: date
             * @description The first day, corrected.
             * @example 2026-01-12
             */
            valid_from?: string;
            /**
             * Format: date
             * @description The last day; an earlier one revokes.
             * @example 2026-09-30
             */
            valid_until?: string;
            /**
             * @description What was passed, corrected.
             * @example Calibration course on oral mucositis, 20 photographs, kappa 0.84
             */
            training?: string;
            /**
             * @description Why the certificate changes.
             * @example Missed the yearly calibration
             */
            reason: string;
        };
        /** @description A certificate in one version. */
        CertificateRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             * @example 019c8a54-0a4e-7f61-8b3d-5c7e9f1a2b3c
             */
            id: string;
            /**
             * Format: uuid
             * @description The account that it certifies.
             * @example 019c8a50-22bb-7e4d-9f10-3c5d7e9f0a1b
             */
            assessor: string;
            /**
             * Format: date
             * @description The first day it covers.
             * @example 2026-01-12
             */
            valid_from: string;
            /**
             * Format: date
             * @description The last day it covers.
             * @example 2028-01-11
             */
            valid_until: string;
            /**
             * @description What was passed.
             * @example Calibration course on oral mucositis, 20 photographs, kappa 0.84
             */
            training: string;
            /**
             * @description Why it was changed last.
             * @example Missed the yearly calibration
             */
            reason: string | null;
            /**
             * Format: uuid
             * @description Who recorded this version.
             * @example 019c8a50-33cc-7f5e-8a21-4d6e8f0a1b2c
             */
            recorded_by: string;
            /**
             * Format: date-time
             * @description When this version was recorded.
             * @example 2026-01-12T08:10:00Z
             */
            recorded_at: string;
            /**
             * @description Counts the changes, from 1.
             * @example 1
             */
            version: number;
        };
        /** @description One field, before and after; of a record's first version, from null. */
        ChangeRead: {
            /**
             * @description The field, by its name in the record.
             * @example grade
             */
            field: string;
            /**
             * @description What it said before; null of a record's first version.
             * @example 2
             */
            old: components["schemas"]["JsonValue"];
            /**
             * @description What it says since.
             * @example 3
             */
            new: components["schemas"]["JsonValue"];
        };
        /** @description One page of checkpoints, oldest first. */
        CheckpointPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["CheckpointRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description A seal over events: keep it, and `trial audit verify --against` proves them unchanged. */
        CheckpointRead: {
            /**
             * @description From 1, without gaps.
             * @example 17
             */
            number: number;
            /**
             * @description A compact JWS (RFC 7515): number, time, events, Merkle root (RFC 6962) and the SHA-256 of the statement before.
             * @example eyJhbGciOiJFUzI1NiJ9.eyJudW1iZXIiOjE3fQ.c2lnbmF0dXJl
             */
            statement: string;
        };
        /** @description A test with one degree of freedom. */
        ChiSquareRead: {
            /**
             * @description Chi-square, which is larger the more the arms differ.
             * @example 3.1
             */
            statistic: number;
            /**
             * @description Two-sided, not adjusted.
             * @example 0.08
             */
            p: number;
        };
        /**
         * @description How a client shows who it is at the token endpoint (RFC 7591, section 2).
         *
         *     - `none`: A person's client sends no secret of its own.
         *     - `client_secret_post`: client_id and client_secret stand in the form.
         *     - `client_secret_basic`: client_id and client_secret stand in the Authorization header.
         *     - `private_key_jwt`: The client signs an assertion with a key of its own (RFC 7523).
         * @enum {string}
         */
        ClientAuthentication: "none" | "client_secret_post" | "client_secret_basic" | "private_key_jwt";
        /** @description A hospital's system, which signs in by a secret, by a private key, or either. */
        ClientCreate: {
            /**
             * @description The name that the system signs in with; it never changes.
             * @example his-nanning
             */
            client_id: string;
            /**
             * @description What the system is called in the audit trail.
             * @example Hospital information system, Nanning
             */
            name: string;
            /**
             * @description The hospitals whose subjects it reads and writes.
             * @example [
             *       "NN"
             *     ]
             */
            sites: string[];
            /**
             * @description Random, 32 to 128 printable ASCII characters without spaces.
             * @example Zt4vQ1xW8mJ0cN7yR3pK6sD9fG2hL5bA
             */
            secret?: string;
            /** @description For `private_key_jwt`; the private key stays with the client. */
            jwks?: components["schemas"]["KeySet"];
        };
        /** @description Clients, active or not, oldest first. */
        ClientPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["ClientRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description A change of a client; all but the name ends its sessions. */
        ClientPatch: {
            /**
             * @description What the system is called in the audit trail from now on.
             * @example Hospital information system, Nanning
             */
            name?: string;
            /**
             * @description The new sites, all of them.
             * @example [
             *       "NN"
             *     ]
             */
            sites?: string[];
            /**
             * @description False: the system signs in no more, and every session ends within a second.
             * @example false
             */
            active?: boolean;
            /**
             * @description Null: it signs in by its keys only.
             * @example Zt4vQ1xW8mJ0cN7yR3pK6sD9fG2hL5bA
             */
            secret?: string | null;
            /** @description Replaces the whole set. Null: it signs in by its secret only. */
            jwks?: components["schemas"]["KeySet"] | null;
            /**
             * @description Why: 3 to 500 characters, kept in the audit trail beside what changes (ICH E6(R3) 4.2.2).
             * @example Key replaced at the yearly rotation
             */
            reason: string;
        };
        /** @description A machine client. */
        ClientRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             */
            id: string;
            /**
             * @description The name that the system signs in with; it never changes.
             * @example his-nanning
             */
            client_id: string;
            /**
             * @description What the system is called in the audit trail.
             * @example Hospital information system, Nanning
             */
            name: string;
            /**
             * @description A system has this role and no other: it signs nothing.
             * @constant
             */
            role: "hospital_system";
            /**
             * @description The hospitals whose subjects it reads and writes.
             * @example [
             *       "NN"
             *     ]
             */
            sites: string[];
            /** @description Whether the account can be used. Accounts are never deleted: the trail names them. */
            active: boolean;
            /** @description Whether it may sign in by a secret; the secret itself is never shown. */
            has_secret: boolean;
            /**
             * @description The `kid` of each public key.
             * @example [
             *       "2026"
             *     ]
             */
            keys: string[];
            /**
             * Format: date-time
             * @description When it was made, by the service's own clock.
             */
            created_at: string;
            /**
             * @description Counts the versions of the record, from 1: every change makes the next one and keeps those before (ICH E6(R3) 4.2.2).
             * @example 1
             */
            version: number;
            /** @description Where to go from here, as paths of this service. */
            links: components["schemas"]["AccountLinks"];
        };
        /** @description The moment to move clinical time to, later than now. */
        ClockMove: {
            /**
             * Format: date-time
             * @description The new clinical time, with an offset or Z; it never goes back.
             * @example 2026-03-03T01:00:00Z
             */
            now: string;
        };
        /** @description Clinical time in the sandbox. */
        ClockRead: {
            /**
             * Format: date-time
             * @description Clinical time, in UTC.
             * @example 2026-03-02T01:00:00Z
             */
            now: string;
            /**
             * Format: date
             * @description The trial's local calendar date.
             */
            today: string;
        };
        /** @description A code of one of ICH's lists, and what it means. */
        Coded: {
            /**
             * @description As it stands in the message.
             * @example 2
             */
            code: string;
            /**
             * @description The list's words for it.
             * @example report from study
             */
            meaning: string;
        };
        /** @description A code, or why there is none. */
        CodedOrMissing: components["schemas"]["Coded"] | components["schemas"]["Missing"];
        /** @description What was published of the randomization list before the first allocation. */
        CommitmentRead: {
            /**
             * @description Merkle tree head (RFC 6962) over every slot, hexadecimal.
             * @example 3f0c9b7e2d5a4c1890ab7f6e5d4c3b2a19088f7e6d5c4b3a291807f6e5d4c3b2
             */
            root: string;
            /**
             * @description Names how the list is made from the seed; docs/randomization.md describes it.
             * @example permuted-blocks-sp800-108-v1
             */
            algorithm: string;
            /**
             * @description Slots in all strata together.
             * @example 1200
             */
            slots: number;
            /** @description What is public of what makes the list. Block sizes are not: they would let a recruiter guess. */
            design: components["schemas"]["DesignRead"];
            /**
             * @description Each party's commitment to its part of the seed, hexadecimal.
             * @example {
             *       "dmc": "0f1e2d3c4b5a69788796a5b4c3d2e1f00112233445566778899aabbccddeeff0",
             *       "sponsor": "8c1d4e0f9a2b3c5d7e6f80918273645546372819aabbccddeeff001122334455"
             *     }
             */
            contributions: {
                [key: string]: string;
            };
            /**
             * @description The version of the protocol whose list this is.
             * @example 1.0
             */
            protocol_version: string;
            /**
             * Format: date-time
             * @description When it was published, by the service's own clock; nothing changes it after.
             */
            published_at: string;
        };
        /** @description One outcome by arm; differences are the first arm minus the second. */
        Comparison: {
            /**
             * @description Which outcome: `primary` or `secondary`.
             * @example primary
             */
            id: string;
            /**
             * @description The outcome in words.
             * @example Grade 3 or higher
             */
            title: string;
            /** @description Its figures in each arm. */
            arms: components["schemas"]["ArmOutcome"][];
            /** @description The difference of shares, with Miettinen and Nurminen's interval. */
            difference: components["schemas"]["Estimate"] | null;
            /** @description The same difference of shares with Newcombe's interval, which holds for few subjects too. */
            difference_newcombe: components["schemas"]["Estimate"] | null;
            /** @description Over the strata: Mantel and Haenszel with Sato's variance. */
            common_difference: components["schemas"]["Estimate"] | null;
            /** @description Over the strata. */
            common_odds_ratio: components["schemas"]["Estimate"] | null;
            /** @description Cochran, Mantel and Haenszel; null where nothing can vary. */
            stratified_test: components["schemas"]["ChiSquareRead"] | null;
            /** @description The same difference under extreme assumptions about those not evaluable. */
            assumed: components["schemas"]["Assumed"][];
        };
        /** @description How complete the records are, by site. */
        Completeness: {
            /**
             * Format: date
             * @description The local day up to which data were counted.
             */
            as_of: string;
            /**
             * Format: date-time
             * @description When the newest of the counted records was made; null without any.
             */
            newest_record: string | null;
            /**
             * @description Whose rules derived the figures.
             * @example 1.0
             */
            protocol_version: string;
            /**
             * @description Whose subjects are counted.
             * @example [
             *       "LZ",
             *       "NN"
             *     ]
             */
            sites: string[];
            /**
             * @description The methods used, with their sources.
             * @example [
             *       "Wilson 1927"
             *     ]
             */
            methods: string[];
            /**
             * @description What a reader must know to judge the figures.
             * @example [
             *       "Nothing is imputed."
             *     ]
             */
            notes: string[];
            /** @description Each site's figures. */
            by_site: components["schemas"]["SiteCompleteness"][];
        };
        /** @description A consent form that the subject signed. */
        ConsentCreate: {
            /**
             * @description Of the approved consent form.
             * @example 1.0
             */
            version: string;
            /**
             * Format: date
             * @description The local day on which the subject signed: not after today.
             * @example 2026-03-02
             */
            signed_on: string;
        };
        /** @description Consents of a subject, oldest first. */
        ConsentPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["ConsentRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description A signed consent. */
        ConsentRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             */
            id: string;
            /**
             * @description Of the approved consent form.
             * @example 1.0
             */
            version: string;
            /**
             * Format: date
             * @description The local day on which the subject signed: not after today.
             */
            signed_on: string;
            /**
             * Format: date-time
             * @description When it was written down, by the service's own clock (21 CFR 11.10(e)); what it tells of may be earlier.
             */
            recorded_at: string;
            /** @description When and why it was withdrawn; null while it is in force. */
            withdrawal: components["schemas"]["WithdrawalRead"] | null;
        };
        /** @description The flow of subjects through the trial, all arms together. */
        Consort: {
            /**
             * Format: date
             * @description The local day up to which data were counted.
             */
            as_of: string;
            /**
             * Format: date-time
             * @description When the newest of the counted records was made; null without any.
             */
            newest_record: string | null;
            /**
             * @description Whose rules derived the figures.
             * @example 1.0
             */
            protocol_version: string;
            /**
             * @description Whose subjects are counted.
             * @example [
             *       "LZ",
             *       "NN"
             *     ]
             */
            sites: string[];
            /**
             * @description The methods used, with their sources.
             * @example [
             *       "Wilson 1927"
             *     ]
             */
            methods: string[];
            /**
             * @description What a reader must know to judge the figures.
             * @example [
             *       "Nothing is imputed."
             *     ]
             */
            notes: string[];
            /**
             * @description Subjects with a number.
             * @example 250
             */
            screened: number;
            /**
             * @description Failed screening.
             * @example 40
             */
            excluded: number;
            /** @description The criteria that the excluded did not pass. */
            criteria: components["schemas"]["CriterionCount"][];
            /**
             * @description Withdrew, were lost or died before randomization.
             * @example 4
             */
            left_before: number;
            /**
             * @description In screening, or eligible and not randomized.
             * @example 6
             */
            waiting: number;
            /** @description From randomization to the primary outcome. */
            flow: components["schemas"]["Flow"];
        };
        /** @description H.5.r: a further part of the narrative. */
        Continuation: {
            /**
             * @description H.5.r.1a: what H.1 has no room for
             * @example … and so on
             */
            text: string;
            /**
             * @description H.5.r.1b: its language
             * @example eng
             */
            language: string;
        };
        /** @description An error made in randomization; beside its `kind` give the one field of that kind. */
        CorrectionCreate: {
            /**
             * @description What went wrong; it decides which other field is needed.
             * @example wrong_stratum
             */
            kind: components["schemas"]["CorrectionKind"];
            /**
             * @description For `wrong_stratum`: the correct value of every stratification factor.
             * @example {
             *       "concurrent_chemotherapy": false,
             *       "site": "NN"
             *     }
             */
            stratum?: components["schemas"]["FactorValues"];
            /** @description For `ineligible`: the protocol's criteria that the subject did not meet. */
            criteria?: string[];
            /**
             * Format: uuid
             * @description For `duplicate`: the `id` of the same person's other subject record.
             */
            other_subject?: string;
            /**
             * Format: date
             * @description When it came to light: not before randomization.
             * @example 2026-04-09
             */
            discovered_on: string;
            /**
             * @description What happened. Of a duplicate it is shown at both sites, so name neither.
             * @example Chemotherapy was entered as planned; the chart says it was not
             */
            reason: string;
        };
        /**
         * @description What went wrong when the subject was randomized.
         *
         *     - `wrong_stratum`: The subject was randomized in a stratum that is not theirs; the right one is recorded beside it.
         *     - `ineligible`: The subject was randomized although a criterion was not met; they stay in the trial.
         *     - `duplicate`: The person was randomized twice; the first allocation is the one that counts.
         * @enum {string}
         */
        CorrectionKind: "wrong_stratum" | "ineligible" | "duplicate";
        /** @description Errors made in randomization, in the order in which they were recorded. */
        CorrectionPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["CorrectionRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description An error made in randomization; the allocation stands as it was drawn. */
        CorrectionRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             */
            id: string;
            /**
             * Format: uuid
             * @description The `id` of the subject whom it is about.
             */
            subject_id: string;
            /**
             * @description The code of the hospital, as `GET /v1/sites` lists it. Records of a hospital that is not yours do not exist for you.
             * @example NN
             */
            site: string;
            /** @description What went wrong. */
            kind: components["schemas"]["CorrectionKind"];
            /**
             * @description What happened, in the words of who recorded it.
             * @example Chemotherapy was entered as planned; the chart says it was not
             */
            reason: string;
            /**
             * Format: date
             * @description The local day on which the error came to light.
             * @example 2026-04-09
             */
            discovered_on: string;
            /**
             * @description The correct factor values. The latest such correction of a subject counts.
             * @example {
             *       "concurrent_chemotherapy": false,
             *       "site": "NN"
             *     }
             */
            stratum: components["schemas"]["FactorValues"] | null;
            /**
             * @description Those that the subject was randomized with; null for other kinds.
             * @example {
             *       "concurrent_chemotherapy": true,
             *       "site": "NN"
             *     }
             */
            stratum_used: components["schemas"]["FactorValues"] | null;
            /**
             * @description The protocol's criteria that the subject did not meet; null for other kinds.
             * @example null
             */
            criteria: string[] | null;
            /**
             * Format: uuid
             * @description Shared by the two records of a duplicate; it says nothing of either.
             * @example null
             */
            pair: string | null;
            /**
             * @description Of a duplicate: whether this subject's allocation came first, and counts.
             * @example null
             */
            retained: boolean | null;
            /**
             * Format: uuid
             * @description The same person's other subject, where it is at a site of yours.
             * @example null
             */
            other_subject: string | null;
            /**
             * @description The version of the protocol that was in force when it was recorded; `GET /v1/protocol-versions/{version}` has the document.
             * @example 1.0
             */
            protocol_version: string;
            /**
             * Format: date-time
             * @description When it was written down, by the service's own clock (21 CFR 11.10(e)); what it tells of may be earlier.
             */
            recorded_at: string;
        };
        /** @description Which adverse events make a subject count. */
        CountsRead: {
            /**
             * @description Severity of CTCAE, 1 to 5.
             * @example 4
             */
            grade_at_least: number;
            /**
             * @description Only those that the investigator or the sponsor holds to be related to the study drug.
             * @example true
             */
            related_only: boolean;
        };
        /** @description How many did not pass a criterion. */
        CriterionCount: {
            /**
             * @description Names the criterion in the protocol: I of an inclusion, E of an exclusion.
             * @example I05a
             */
            id: string;
            /**
             * @description The criterion in the protocol's words.
             * @example White blood cells of 3.0 or more
             */
            text: string;
            /**
             * @description A subject may fail several.
             * @example 2
             */
            subjects: number;
        };
        /**
         * @description Whether meeting a criterion admits a subject or keeps them out.
         *
         *     - `inclusion`: Has to be met.
         *     - `exclusion`: Must not be met.
         * @enum {string}
         */
        CriterionKind: "inclusion" | "exclusion";
        /** @description A criterion in words. */
        CriterionLabels: {
            /**
             * @description What has to be so, or must not be so.
             * @example 血红蛋白≥90 g/L
             */
            text: string;
            /**
             * @description What the investigator is asked to look at when it is flagged; null where it never is.
             * @example 肌酐清除率低于50 mL/min：研究者须审核肾功能。
             */
            flag_text: string | null;
        };
        /** @description One criterion's verdict; an exclusion that is `met` excludes. */
        CriterionRead: {
            /**
             * @description The criterion in the protocol: I of an inclusion, E of an exclusion.
             * @example I05b
             */
            id: string;
            /** @description What meeting it means: an exclusion that is met keeps the subject out. */
            kind: components["schemas"]["CriterionKind"];
            /**
             * @description Its wording in the protocol.
             * @example Haemoglobin at least 90 g/L
             */
            text: string;
            /** @description What the facts say of it; `unknown` for want of one. */
            verdict: components["schemas"]["CriterionVerdict"];
            /**
             * @description What the investigator should look at, if anything.
             * @example Creatinine clearance below 50 mL/min
             */
            flag: string | null;
            /** @description Whether a fact it reads is older than the screening window. */
            stale: boolean;
        };
        /** @description A criterion as the protocol states it, in words and as a condition on facts. */
        CriterionRule: {
            /**
             * @description I of an inclusion, E of an exclusion, its number, the part of a compound one.
             * @example I05b
             */
            id: string;
            /**
             * @description What meeting it means.
             * @example inclusion
             */
            kind: components["schemas"]["CriterionKind"];
            /**
             * @description The criterion in the protocol's words.
             * @example Haemoglobin at least 90 g/L
             */
            text: string;
            /**
             * @description The condition under which it is met; docs/another-trial.md has the operators.
             * @example {
             *       "at_least": 90,
             *       "fact": "haemoglobin"
             *     }
             */
            when: components["schemas"]["JsonObject"];
            /**
             * @description A condition that changes no verdict but asks the investigator to look.
             * @example {
             *       "below": 50,
             *       "fact": "creatinine_clearance"
             *     }
             */
            flag?: components["schemas"]["JsonObject"];
            /**
             * @description At what to look.
             * @example Creatinine clearance below 50 mL/min
             */
            flag_text?: string;
        };
        /**
         * @description What the recorded facts say of one criterion; an exclusion that is `met` excludes.
         *
         *     - `met`: The criterion holds; of an exclusion criterion, the subject is excluded.
         *     - `not_met`: The criterion does not hold; of an inclusion criterion, the subject is not eligible.
         *     - `unknown`: A fact that the criterion needs is not recorded.
         * @enum {string}
         */
        CriterionVerdict: "met" | "not_met" | "unknown";
        /** @description A curve from a day on. */
        CurvePoint: {
            /**
             * @description From the first fraction, day 0.
             * @example 28
             */
            day: number;
            /**
             * @description How many were watched just before that day.
             * @example 76
             */
            at_risk: number;
            /** @description The curve's value from that day on, a share. */
            value: components["schemas"]["Estimate"];
        };
        /** @description Local calendar dates, both included; an open end is null. */
        DateRange: {
            /**
             * Format: date
             * @description The first day.
             * @example 2026-03-16
             */
            from: string;
            /**
             * Format: date
             * @description The last day; null while it is open.
             * @example 2026-03-18
             */
            to: string | null;
        };
        /** @description A fact with the day it was found; a laboratory value also has its unit and its limit. */
        DatedFact: {
            /** @description The value, as the fact's type asks. */
            value: components["schemas"]["FactValue"];
            /**
             * Format: date
             * @description The local day of the measurement or examination: it grows stale (`eligibility.screening_window_days` of the protocol).
             * @example 2026-03-02
             */
            measured_on: string;
            /**
             * @description Of a measurement: one of its quantity's units (`eligibility.quantities`).
             * @default
             * @example g/dL
             */
            unit?: string;
            /**
             * @description The laboratory's upper limit of normal, in the same unit, where the fact asks for it.
             * @default 0
             * @example 40
             */
            uln?: number;
        };
        /** @description Where to go from a deadline. */
        DeadlineLinks: {
            /**
             * @description The deadline as it is now.
             * @example /v1/safety/deadlines/019c8a58-41d2-7e6f-9b13-7f6e5d4c3b21
             */
            self: string;
            /**
             * @description What it was before.
             * @example /v1/safety/deadlines/019c8a58-41d2-7e6f-9b13-7f6e5d4c3b21/versions
             */
            versions: string;
            /**
             * @description Whose safety it is about.
             * @example /v1/subjects/019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07
             */
            subject: string;
            /**
             * @description The occurrence that started the clock.
             * @example /v1/adverse-events/019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19
             */
            adverse_event: string;
            /**
             * @description What was sent about the case.
             * @example /v1/adverse-events/019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19/submissions
             */
            submissions: string;
        };
        /** @description Deadlines in the order of their opening, or the versions of one, oldest first. */
        DeadlinePage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["DeadlineRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description One report that is owed to one recipient, and where it stands. */
        DeadlineRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             * @example 019c8a58-41d2-7e6f-9b13-7f6e5d4c3b21
             */
            id: string;
            /**
             * @description How often it came out differently.
             * @example 1
             */
            version: number;
            /**
             * @description The code of the hospital, as `GET /v1/sites` lists it. Records of a hospital that is not yours do not exist for you.
             * @example NN
             */
            site: string;
            /**
             * Format: uuid
             * @description The `id` of the subject whom it is about.
             * @example 019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07
             */
            subject_id: string;
            /**
             * Format: uuid
             * @description The case: the `id` of its first occurrence.
             * @example 019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19
             */
            case_id: string;
            /**
             * Format: uuid
             * @description The occurrence that started the clock.
             * @example 019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19
             */
            event_id: string;
            /**
             * @description The version of that occurrence which started it.
             * @example 1
             */
            event_version: number;
            /**
             * @description The protocol's clock (`adverse_events.clocks`).
             * @example susar_other
             */
            clock: string;
            /**
             * @description Who is to be told.
             * @example regulator
             */
            recipient: components["schemas"]["Recipient"];
            /**
             * @description Whether it is the second report of the clock, which follows the first.
             * @example false
             */
            follow_up: boolean;
            /**
             * @description How often the case has started this clock; each start has its own deadline.
             * @example 1
             */
            opening: number;
            /**
             * Format: date-time
             * @description When the site learnt of what started the clock.
             * @example 2026-04-11T01:15:00Z
             */
            day_zero: string;
            /**
             * Format: date-time
             * @description The last moment in time.
             * @example 2026-04-26T15:59:59.999999Z
             */
            due_at: string;
            /**
             * Format: date
             * @description The last local day; null for a clock of hours.
             * @example 2026-04-26
             */
            due_on: string | null;
            /**
             * @description `due`: to be met. `overdue`: not met, and its last moment has passed. `met`: reported. `lapsed`: nothing is owed any more. By the clinical clock, now.
             * @example due
             */
            state: components["schemas"]["DeadlineState"];
            /**
             * @description Whether it is overdue, or was so when it was met or lapsed.
             * @example false
             */
            late: boolean;
            /**
             * @description Whether it is owed only because nobody has judged yet if the reaction was expected.
             * @example true
             */
            provisional: boolean;
            /**
             * Format: uuid
             * @description The submission that met it; null unless met.
             * @example 019c8a5b-02e3-7a4c-8d35-8a7b6c5d4e32
             */
            met_by: string | null;
            /**
             * Format: date-time
             * @description When that was sent; null unless met.
             * @example 2026-04-20T08:00:00Z
             */
            met_at: string | null;
            /**
             * Format: date-time
             * @description When what ended the clock was recorded; null unless lapsed.
             * @example null
             */
            lapsed_at: string | null;
            /**
             * @description What ended the clock; null unless lapsed. `upgraded`: a shorter clock took its place.
             * @example null
             */
            lapsed_because: components["schemas"]["LapseCause"] | null;
            /**
             * @description The protocol whose clocks were used.
             * @example 1.0
             */
            protocol_version: string;
            /**
             * Format: date-time
             * @description When this version was derived.
             * @example 2026-04-11T01:20:00Z
             */
            recorded_at: string;
            /** @description Where to go from here, as paths of this service. */
            links: components["schemas"]["DeadlineLinks"];
        };
        /**
         * @description Where a deadline stands: to be met, missed so far, met, or void.
         *
         *     - `due`: The report is owed and there is time left.
         *     - `overdue`: The report is owed and its time is over.
         *     - `met`: The report was sent.
         *     - `lapsed`: The report is not owed any more.
         * @enum {string}
         */
        DeadlineState: "due" | "overdue" | "met" | "lapsed";
        /** @description D.9: the subject died. */
        Death: {
            /**
             * Format: date
             * @description D.9.1: day of death, where it is known
             * @example 2026-04-20
             */
            died_on: string | null;
            /** @description D.9.2.r: reactions of this case that killed. */
            causes: components["schemas"]["CauseOfDeath"][];
            /**
             * @description D.9.3: autopsy
             * @example {
             *       "null_flavor": "NASK"
             *     }
             */
            autopsy: components["schemas"]["Missing"];
        };
        /**
         * @description Why an attempt failed.
         *
         *     The set may grow: pass over a value that you do not know.
         *
         *     - `unreachable`: No connection to the address could be made.
         *     - `timeout`: The receiver did not answer in time.
         *     - `not_public_address`: The name leads to an address inside a network, where nothing is sent.
         *     - `redirects`: The receiver sent the request elsewhere, which is never followed.
         *     - `status`: The receiver answered with a status other than 2xx: see `status`.
         *     - `ended`: The webhook was ended before the event could be delivered.
         *     - `owner_without_right`: The webhook's owner may not hear of the event any more.
         * @enum {string}
         */
        DeliveryFault: "unreachable" | "timeout" | "not_public_address" | "redirects" | "status" | "ended" | "owner_without_right";
        /** @description Deliveries of a webhook, in the order in which their events were told. */
        DeliveryPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["DeliveryRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description One event on its way to a webhook. */
        DeliveryRead: {
            /**
             * Format: uuid
             * @description The event: sent as `webhook-id`.
             * @example 019c8a53-2f10-7b11-8c42-0d9e8f7a6b5c
             */
            event_id: string;
            /**
             * @description `pending`: is tried, or waits for the one before of the same subject. `delivered`: the receiver answered 2xx. `dead`: given up after three days.
             * @example delivered
             */
            state: components["schemas"]["DeliveryState"];
            /**
             * @description How often it was tried since it was made or replayed.
             * @example 1
             */
            attempts: number;
            /**
             * Format: date-time
             * @description When it was tried last; null before.
             * @example 2026-04-09T02:15:01Z
             */
            attempted_at: string | null;
            /**
             * Format: date-time
             * @description When it is tried next, at the earliest; null once it is not.
             * @example null
             */
            due_at: string | null;
            /**
             * @description HTTP status of the last attempt; null if there was no answer.
             * @example 204
             */
            status: number | null;
            /**
             * @description Why the last attempt failed, or why there is none any more; else null.
             * @example null
             */
            fault: components["schemas"]["DeliveryFault"] | null;
        };
        /**
         * @description Where a delivery stands.
         *
         *     - `pending`: The delivery will be tried or tried again.
         *     - `delivered`: The receiver answered with 2xx.
         *     - `dead`: The delivery failed for good; it can be tried anew by hand.
         * @enum {string}
         */
        DeliveryState: "pending" | "delivered" | "dead";
        /**
         * @description Grades that follow from the components by the protocol's rules.
         *
         *     Null on a scale that the protocol does not have.
         */
        DerivedGrades: {
            /**
             * @description On the protocol's own scale.
             * @example 2
             */
            protocol: number;
            /**
             * @description On the WHO scale.
             * @example 2
             */
            who: number | null;
            /**
             * @description On the RTOG scale.
             * @example 2
             */
            rtog: number | null;
        };
        /** @description The public part of what makes the list; the order of both lists counts. */
        DesignRead: {
            /** @description The arms, in the order that the list was made with. */
            arms: components["schemas"]["ArmShare"][];
            /**
             * @description How many subjects a stratum can take.
             * @example 200
             */
            slots_per_stratum: number;
            /**
             * @description The codes of the strata, in the order that the list was made with.
             * @example [
             *       "NN-C",
             *       "NN-N"
             *     ]
             */
            strata: string[];
        };
        /**
         * @description What kind of departure from the protocol it is.
         *
         *     The set may grow: pass over a value that you do not know.
         *
         *     - `late_randomization`: Randomized fewer days before radiotherapy than the protocol asks for; recorded by the service.
         *     - `stratum_changed`: A stratification factor was corrected after randomization; recorded by the service.
         *     - `randomization_error`: An error in randomization was recorded; recorded by the service.
         *     - `fraction_before_randomization`: Radiotherapy began before the subject was randomized; recorded by the service.
         *     - `study_drug_overdose`: More applications in a day than the protocol plans; recorded by the service.
         *     - `treatment_outside_period`: Study drug was taken before its first or after its last day; recorded by the service.
         *     - `visit`: A visit or a procedure of it departed from the protocol.
         *     - `treatment`: The study treatment departed from the protocol.
         *     - `consent`: Informed consent departed from the protocol.
         *     - `other`: Any other departure from the protocol.
         * @enum {string}
         */
        DeviationCode: "late_randomization" | "stratum_changed" | "randomization_error" | "fraction_before_randomization" | "study_drug_overdose" | "treatment_outside_period" | "visit" | "treatment" | "consent" | "other";
        /** @description A protocol deviation that a person reports. */
        DeviationCreate: {
            /**
             * @description What kind of departure it is.
             * @example visit
             */
            code: components["schemas"]["ReportableDeviation"];
            /**
             * @description What happened, in words, without a person's name.
             * @example Weekly grading skipped, clinic closed for the holiday
             */
            description: string;
            /**
             * Format: date
             * @description The local day on which it happened.
             * @example 2026-04-06
             */
            occurred_on: string;
        };
        /** @description Deviations in the order of their recording. */
        DeviationPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["DeviationRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description A protocol deviation. */
        DeviationRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             */
            id: string;
            /**
             * Format: uuid
             * @description The `id` of the subject whom it is about.
             * @example 019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07
             */
            subject_id: string;
            /**
             * @description The code of the hospital, as `GET /v1/sites` lists it. Records of a hospital that is not yours do not exist for you.
             * @example NN
             */
            site: string;
            /**
             * @description What kind of departure it is.
             * @example visit
             */
            code: components["schemas"]["DeviationCode"];
            /**
             * @description What happened, in words.
             * @example Weekly grading skipped, clinic closed for the holiday
             */
            description: string;
            /**
             * Format: date
             * @description The local day on which it happened.
             * @example 2026-04-06
             */
            occurred_on: string;
            /**
             * @description Whether a person reported it or the service noticed it.
             * @example person
             */
            source: components["schemas"]["DeviationSource"];
            /**
             * Format: date-time
             * @description When it was written down, by the service's own clock (21 CFR 11.10(e)); what it tells of may be earlier.
             */
            recorded_at: string;
        };
        /**
         * @description Who noticed it: a person, or the service (`system`).
         *
         *     - `person`: A person noticed and recorded it.
         *     - `system`: The service noticed it by itself.
         * @enum {string}
         */
        DeviationSource: "person" | "system";
        /**
         * @description What the subject can eat.
         *
         *     - `solid`: The subject eats solid food.
         *     - `soft`: The subject eats soft food at most.
         *     - `liquid`: The subject takes liquids only.
         *     - `none_by_mouth`: The subject takes nothing by mouth.
         * @enum {string}
         */
        Diet: "solid" | "soft" | "liquid" | "none_by_mouth";
        /** @description What was discontinued, as it is known now; what is left out goes on. */
        DiscontinuationPut: {
            /** @description The end of the study drug, of a subject who receives it. */
            treatment?: components["schemas"]["TreatmentEndWrite"] | null;
            /** @description The end of the subject's part in the study; it stays. */
            study?: components["schemas"]["StudyEndWrite"] | null;
            /**
             * @description Why the recorded data changes; required from the second version on.
             * @example Typing error, corrected from the source record
             */
            reason?: string | null;
        };
        /** @description What was discontinued; treatment and study are null as long as they go on. */
        DiscontinuationRead: {
            /** @description The study drug's end. */
            treatment: components["schemas"]["TreatmentEndRead"] | null;
            /** @description The end of the subject's part. */
            study: components["schemas"]["StudyEndRead"] | null;
            /**
             * Format: date
             * @description The last day on which study drug may be recorded: leaving the study ends the treatment too.
             * @example 2026-04-09
             */
            treatment_ended_on: string | null;
            /**
             * @description The version of the protocol that was in force when it was recorded; `GET /v1/protocol-versions/{version}` has the document.
             * @example 1.0
             */
            protocol_version: string | null;
            /**
             * @description Why it was changed last; null in the first version.
             * @example Day of the last contact corrected
             */
            reason: string | null;
            /**
             * Format: date-time
             * @description When it was written down, by the service's own clock (21 CFR 11.10(e)); what it tells of may be earlier.
             * @example 2026-05-12T02:30:00Z
             */
            recorded_at: string | null;
            /**
             * @description 0 before anything is recorded.
             * @example 1
             */
            version: number;
        };
        /** @description G.k.4.r: how it was given. */
        Dosage: {
            /**
             * @description G.k.4.r.1a: dose
             * @example 1.5
             */
            dose: string | null;
            /**
             * @description G.k.4.r.1b: its unit in UCUM
             * @example mL
             */
            dose_unit: string | null;
            /**
             * @description G.k.4.r.2: interval between doses
             * @example 8
             */
            interval: string | null;
            /**
             * @description G.k.4.r.3: its unit in UCUM
             * @example h
             */
            interval_unit: string | null;
            /**
             * Format: date
             * @description G.k.4.r.4: first day
             * @example 2026-04-01
             */
            started_on: string | null;
            /**
             * Format: date
             * @description G.k.4.r.5: last day so far
             * @example 2026-04-09
             */
            ended_on: string | null;
            /**
             * @description G.k.4.r.8: in words
             * @example 1.5 mL three times a day
             */
            text: string;
            /**
             * @description G.k.4.r.9.1: dose form
             * @example Oral spray
             */
            form: string | null;
            /**
             * @description G.k.4.r.10.1: route
             * @example Oromucosal
             */
            route: string | null;
        };
        /** @description G.k: the study drug, or radiotherapy. */
        Drug: {
            /**
             * Format: uuid
             * @description Names the treatment inside the report.
             * @example 019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19
             */
            id: string;
            /**
             * @description G.k.1: role
             * @example {
             *       "code": "1",
             *       "meaning": "suspect"
             *     }
             */
            role: components["schemas"]["Coded"];
            /**
             * @description G.k.2.2: name
             * @example Exosome oral spray
             */
            name: string;
            /** @description G.k.4.r: how it was given. */
            dosages: components["schemas"]["Dosage"][];
            /**
             * @description G.k.7.r.1: what for
             * @example [
             *       "Oral mucositis"
             *     ]
             */
            indications: string[];
            /**
             * @description G.k.8: action taken; only of the study drug
             * @example {
             *       "code": "4",
             *       "meaning": "dose not changed"
             *     }
             */
            action: components["schemas"]["Coded"] | null;
            /** @description G.k.9.i: each party's, side by side. */
            assessments: components["schemas"]["Assessment"][];
            /**
             * @description G.k.11: what no code says
             * @example Interrupted, to be resumed
             */
            additional_information: string | null;
        };
        /**
         * @description What all criteria together say of a subject.
         *
         *     - `eligible`: Every inclusion criterion is met and no exclusion criterion is.
         *     - `ineligible`: An inclusion criterion is not met or an exclusion criterion is.
         *     - `incomplete`: Nothing excludes the subject so far, and a fact is missing.
         * @enum {string}
         */
        EligibilityOverall: "eligible" | "ineligible" | "incomplete";
        /** @description Every fact known now; a fact that is left out is unknown. */
        EligibilityPut: {
            /** @description One key per fact id of the protocol document: a bare value, or for a measurement `value`, `unit`, `measured_on` and where asked `uln`. */
            facts: components["schemas"]["Facts"];
            /**
             * @description Why the recorded data changes; required from the second version on.
             * @example Typing error, corrected from the source record
             */
            reason?: string | null;
        };
        /** @description The facts, each criterion's verdict and the overall one. */
        EligibilityRead: {
            /** @description Eligible only if every inclusion is met, no exclusion is, and none is unknown. */
            overall: components["schemas"]["EligibilityOverall"];
            /**
             * @description What a signature covers; null before facts.
             * @example 3f0c9b7e2d5a4c1890ab7f6e5d4c3b2a19088f7e6d5c4b3a291807f6e5d4c3b2
             */
            evaluation_hash: string | null;
            /** @description Every fact as it was given last. */
            facts: components["schemas"]["Facts"];
            /**
             * @description Measurements in their quantity's normal unit.
             * @example {
             *       "haemoglobin": {
             *         "unit": "g/L",
             *         "value": 131
             *       }
             *     }
             */
            normalised: components["schemas"]["Facts"];
            /** @description Every criterion with its verdict, in the protocol's order. */
            criteria: components["schemas"]["CriterionRead"][];
            /**
             * @description Facts that are still to be given.
             * @example [
             *       "ecog_performance_status"
             *     ]
             */
            unknown_facts: string[];
            /**
             * @description Facts to refresh before randomization.
             * @example [
             *       "haemoglobin"
             *     ]
             */
            stale_facts: string[];
            /**
             * Format: date
             * @description The local day on which the facts were judged, from which they grow stale; null before.
             */
            evaluated_on: string | null;
            /** @description The last one; null until there is one. */
            signature: components["schemas"]["EligibilitySignatureRead"] | null;
            /**
             * @description The version of the protocol that was in force when it was recorded; `GET /v1/protocol-versions/{version}` has the document.
             * @example 1.0
             */
            protocol_version: string;
            /**
             * @description Why it was changed last; null in the first version.
             * @example New laboratory values
             */
            reason: string | null;
            /**
             * @description 0 before anything is recorded.
             * @example 1
             */
            version: number;
        };
        /** @description What a screening form asks, and by which rules the answers are judged. */
        EligibilitySection: {
            /**
             * @description For how many days a dated fact is fresh enough to be used.
             * @example 28
             */
            screening_window_days: number;
            /**
             * @description The fact that is the age in completed years at consent.
             * @example age_at_consent
             */
            age_fact: string;
            /**
             * @description The fact that says consent was signed.
             * @example informed_consent_signed
             */
            consent_fact: string;
            /** @description What is measured, and in which units. */
            quantities: components["schemas"]["QuantityRead"][];
            /** @description Every question, in the order to ask them in. */
            facts: components["schemas"]["FactRead"][];
            /** @description Every criterion, inclusions first. */
            criteria: components["schemas"]["CriterionRule"][];
        };
        /** @description A signature on the evaluation that has this evaluation_hash. */
        EligibilitySignatureCreate: {
            /** @description What the signer states by it (21 CFR 11.50(a)(3)), in these very words. */
            meaning: components["schemas"]["SignatureMeaning"];
            /**
             * @description The signer's own password, once more: a token alone signs nothing (21 CFR 11.200(a)). Wrong ones are slowed down, and stand in the trail.
             * @example sandbox-only
             */
            password?: string;
            /**
             * @description The code that the authenticator shows now.
             * @example 492039
             */
            totp?: string;
            /**
             * @description The evaluation that it covers: SHA-256, in hexadecimal, over facts, verdicts, protocol version, subject and version.
             * @example 3f0c9b7e2d5a4c1890ab7f6e5d4c3b2a19088f7e6d5c4b3a291807f6e5d4c3b2
             */
            evaluation_hash: string;
        };
        /** @description A signature on one evaluation; new facts void it, facts that grow stale do not. */
        EligibilitySignatureRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             */
            id: string;
            /** @description What the signer states by it (21 CFR 11.50(a)(3)), in these very words. */
            meaning: components["schemas"]["SignatureMeaning"];
            /**
             * @description The signer's name at the time.
             * @example Demo investigator, Nanning
             */
            signed_by: string;
            /**
             * Format: uuid
             * @description The `id` of the account that signed.
             */
            signer: string;
            /** @description The signer's role at the time. */
            role: components["schemas"]["Role"];
            /**
             * Format: date-time
             * @description When it was signed, by the service's own clock (21 CFR 11.50(a)(2)).
             */
            signed_at: string;
            /**
             * @description The version that was signed.
             * @example 1
             */
            version: number;
            /** @description False once what was signed has changed: then it has to be signed anew. */
            valid: boolean;
            /**
             * @description The evaluation that it covers: SHA-256, in hexadecimal, over facts, verdicts, protocol version, subject and version.
             * @example 3f0c9b7e2d5a4c1890ab7f6e5d4c3b2a19088f7e6d5c4b3a291807f6e5d4c3b2
             */
            evaluation_hash: string;
        };
        /** @description A subject's primary and secondary outcome and the measures derived with them. */
        EndpointRead: {
            /**
             * Format: uuid
             * @description The `id` of the subject whom it is about.
             */
            subject_id: string;
            /** @description Grade 3 or higher in the window, by the protocol's own threshold. */
            primary: components["schemas"]["OutcomeRead"];
            /** @description Any grade in the window, by the protocol's own threshold. */
            secondary: components["schemas"]["OutcomeRead"];
            /** @description Null before the first fraction. */
            window: components["schemas"]["DateRange"] | null;
            /**
             * Format: date
             * @description The day the subject left the study, which closes the window.
             * @example 2026-06-02
             */
            left_on: string | null;
            /**
             * @description The highest grade assessed in the window; null before the first.
             * @example 3
             */
            max_grade: number | null;
            /**
             * @description From the first fraction, day 0.
             * @example 38
             */
            days_to_first_severe: number | null;
            /**
             * @description Days at a severe grade; 0 if none.
             * @example 8
             */
            days_severe: number;
            /** @description Whether the highest grade of the scale occurred. */
            grade_4: boolean;
            /**
             * @description Estimated cumulative dose at onset, Gy.
             * @example 54
             */
            gy_at_onset: number | null;
            /**
             * @description Share of scheduled slots that were graded.
             * @example 0.95
             */
            coverage: number | null;
            /**
             * @description Codes of scheduled visits without a grading that can no longer have one.
             * @example [
             *       "RT5B"
             *     ]
             */
            gaps: string[];
            /**
             * @description Codes of visits whose grade is open until adjudicated.
             * @example [
             *       "RT4A"
             *     ]
             */
            unresolved: string[];
            /**
             * Format: date
             * @description Day of the last assessment in the window.
             * @example 2026-08-05
             */
            last_assessed_on: string | null;
            /**
             * @description The same in sentences.
             * @example [
             *       "Assessments count from 2026-03-16 through 2026-07-29."
             *     ]
             */
            explanation: string[];
            /**
             * @description Whose rule was used.
             * @example 1.0
             */
            protocol_version: string;
        };
        /** @description The endpoints by arm, of the intention-to-treat set. */
        Endpoints: {
            /**
             * Format: date
             * @description The local day up to which data were counted.
             */
            as_of: string;
            /**
             * Format: date-time
             * @description When the newest of the counted records was made; null without any.
             */
            newest_record: string | null;
            /**
             * @description Whose rules derived the figures.
             * @example 1.0
             */
            protocol_version: string;
            /**
             * @description Whose subjects are counted.
             * @example [
             *       "LZ",
             *       "NN"
             *     ]
             */
            sites: string[];
            /**
             * @description The methods used, with their sources.
             * @example [
             *       "Wilson 1927"
             *     ]
             */
            methods: string[];
            /**
             * @description What a reader must know to judge the figures.
             * @example [
             *       "Nothing is imputed."
             *     ]
             */
            notes: string[];
            /**
             * @description Code and name, in the order of the differences.
             * @example {
             *       "control": "No intervention",
             *       "experimental": "Exosome oral spray"
             *     }
             */
            arms: {
                [key: string]: string;
            };
            /** @description What became of those who were randomized, in each arm. */
            flow: components["schemas"]["ArmFlow"][];
            /** @description The primary and the secondary outcome. */
            comparisons: components["schemas"]["Comparison"][];
            /** @description The time to the first severe grade. */
            times: components["schemas"]["Times"];
            /** @description The measures derived beside the outcomes. */
            measures: components["schemas"]["Measure"][];
            /** @description How bad oral mucositis was, from week to week. */
            grades_by_week: components["schemas"]["GradeWeek"][];
        };
        /** @description An estimate with its 95 % confidence interval. */
        Estimate: {
            /**
             * @description The most likely value.
             * @example -0.12
             */
            estimate: number;
            /**
             * @description The lower limit of the interval.
             * @example -0.25
             */
            low: number;
            /**
             * @description The upper limit of the interval.
             * @example 0.02
             */
            high: number;
        };
        /** @description One page of a rule's evaluations. */
        EvaluationPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["EvaluationRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description How a rule stood at one time; it names no subject and no event. */
        EvaluationRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             * @example 019c8a53-1c40-7a5e-b1d2-6a7b8c9d0e1f
             */
            id: string;
            /**
             * Format: date-time
             * @description When, in the trial's time.
             * @example 2026-09-03T02:30:05Z
             */
            evaluated_at: string;
            /**
             * @description Subjects randomized to the arm.
             * @example 42
             */
            subjects: number;
            /**
             * @description How many of them had an event that counts, each once.
             * @example 2
             */
            events: number;
            /**
             * @description That the arm's true rate lies above the threshold.
             * @example 0.4061
             */
            probability: number;
            /**
             * @description How many events reach the rule among so many subjects; null before its least number of subjects.
             * @example 5
             */
            boundary: number | null;
            /**
             * @description Whether the committee must look; nothing stops by itself.
             * @example false
             */
            reached: boolean;
            /**
             * @description The version whose rule it was.
             * @example 1.0
             */
            protocol_version: string;
        };
        /** @description Where to read what the event does not say, as paths of this service. */
        EventLinks: {
            /**
             * @description The subject; null where the event is about none.
             * @example /v1/subjects/019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07
             */
            subject: string | null;
            /**
             * @description The record; null where it has no address of its own.
             * @example /v1/subjects/019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07
             */
            record: string | null;
        };
        /**
         * @description How the event stands or ended.
         *
         *     - `recovered`: The event is over without sequelae.
         *     - `recovering`: The event is getting better.
         *     - `not_recovered`: The event goes on.
         *     - `recovered_with_sequelae`: The event is over and left lasting harm.
         *     - `fatal`: The subject died of the event.
         *     - `unknown`: It is not known how the event stands.
         * @enum {string}
         */
        EventOutcome: "recovered" | "recovering" | "not_recovered" | "recovered_with_sequelae" | "fatal" | "unknown";
        /**
         * @description Events in the order in which they were published.
         *
         *     Go on with `after` = the `id` of the last item, now or at any later time;
         *     `next_cursor` is that id while more events follow at once, else null.
         */
        EventPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["EventRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description Something that happened: which kind, when, and to which record. */
        EventRead: {
            /**
             * Format: uuid
             * @description The event. A webhook sends the same as `webhook-id`.
             * @example 019c8a53-2f10-7b11-8c42-0d9e8f7a6b5c
             */
            id: string;
            /**
             * @description What happened.
             * @example subject.randomized
             */
            type: components["schemas"]["EventType"];
            /**
             * Format: date-time
             * @description When it was told.
             * @example 2026-04-09T02:15:00Z
             */
            at: string;
            /**
             * @description The site; null for what concerns the whole trial.
             * @example NN
             */
            site: string | null;
            /**
             * Format: uuid
             * @description The subject; null where it is about none.
             * @example 019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07
             */
            subject_id: string | null;
            /** @description What happened to: read it by its link. */
            record: components["schemas"]["RecordRef"];
            /** @description Where to read more. */
            links: components["schemas"]["EventLinks"];
        };
        /** @description Adverse events of one kind by arm. */
        EventRow: {
            /**
             * @description A group, or a CTCAE term.
             * @example Nausea
             */
            kind: string;
            /** @description Its figures in each arm. */
            arms: components["schemas"]["ArmEvents"][];
            /** @description Of shares, Miettinen and Nurminen; for terms, only if an arm has 5 % or more. */
            difference: components["schemas"]["Estimate"] | null;
        };
        /**
         * @description What other systems care about; the part before the point names the record.
         *
         *     The set may grow: pass over a value that you do not know.
         *
         *     - `subject.screened`: A person entered screening.
         *     - `subject.screen_failed`: A subject failed screening.
         *     - `subject.eligible`: An investigator confirmed that a subject is eligible.
         *     - `subject.randomized`: A subject was allocated to an arm, which the event does not name.
         *     - `subject.on_treatment`: A subject began treatment.
         *     - `subject.in_follow_up`: A subject went into follow-up.
         *     - `subject.completed`: A subject completed the trial.
         *     - `subject.withdrawn`: A subject withdrew from the trial.
         *     - `subject.lost_to_follow_up`: A subject could not be reached any more.
         *     - `subject.died`: A subject died.
         *     - `radiotherapy.recorded`: A subject's radiotherapy was recorded or changed.
         *     - `visit.recorded`: A visit was recorded or changed.
         *     - `visit.overdue`: A visit's window closed and nothing was recorded.
         *     - `grading.recorded`: Oral mucositis was graded.
         *     - `grading.corrected`: A grading was changed by its author.
         *     - `adjudication.opened`: Two gradings of a visit differ.
         *     - `adjudication.decided`: An adjudicator decided which grade counts.
         *     - `endpoint.reached`: The subject's primary outcome is an event.
         *     - `endpoint.revised`: The subject's primary outcome was told to be an event, and is none any more.
         *     - `adverse_event.reported`: An adverse event was reported.
         *     - `adverse_event.updated`: An adverse event was changed.
         *     - `adverse_event.upgraded`: A case became graver than before in any respect.
         *     - `adverse_event.nullified`: An adverse event was declared void.
         *     - `submission.recorded`: A safety report was sent.
         *     - `submission.corrected`: The record of a sent safety report was changed.
         *     - `deadline.opened`: A safety report is owed.
         *     - `deadline.near`: A safety report is owed soon.
         *     - `deadline.missed`: A safety report was not sent in time.
         *     - `deadline.met`: A safety report that was owed was sent.
         *     - `deadline.changed`: A safety report is owed at another time, again, or not any more.
         *     - `query.opened`: A question about recorded data waits for the site.
         *     - `stopping_rule.reached`: The committee has to look at an arm.
         * @enum {string}
         */
        EventType: "subject.screened" | "subject.screen_failed" | "subject.eligible" | "subject.randomized" | "subject.on_treatment" | "subject.in_follow_up" | "subject.completed" | "subject.withdrawn" | "subject.lost_to_follow_up" | "subject.died" | "radiotherapy.recorded" | "visit.recorded" | "visit.overdue" | "grading.recorded" | "grading.corrected" | "adjudication.opened" | "adjudication.decided" | "endpoint.reached" | "endpoint.revised" | "adverse_event.reported" | "adverse_event.updated" | "adverse_event.upgraded" | "adverse_event.nullified" | "submission.recorded" | "submission.corrected" | "deadline.opened" | "deadline.near" | "deadline.missed" | "deadline.met" | "deadline.changed" | "query.opened" | "stopping_rule.reached";
        /** @description A reaction that is expected. */
        ExpectedRead: {
            /**
             * @description The reaction, as a term of CTCAE in its wording.
             * @example Nausea
             */
            term: string;
            /**
             * @description The worst severity that is still expected.
             * @example 3
             */
            max_grade: number;
        };
        /** @description A reaction that is expected. */
        ExpectedWrite: {
            /**
             * @description A term of CTCAE, in its wording.
             * @example Nausea
             */
            term: string;
            /**
             * @description The worst severity that is still expected.
             * @example 3
             */
            max_grade: number;
        };
        /**
         * @description Whether the reference safety information lists the event.
         *
         *     - `expected`: The reference safety information in force on the day of onset lists the reaction.
         *     - `unexpected`: The reference safety information does not list the reaction, or not so severe.
         * @enum {string}
         */
        Expectedness: "expected" | "unexpected";
        /** @description The study drug of one local day. */
        ExposureCreate: {
            /**
             * Format: date
             * @description The local day; it stays.
             * @example 2026-03-17
             */
            day: string;
            /**
             * @description How often the study drug was applied that day. More than the protocol's number is stored and noted as a deviation.
             * @example 2
             */
            applications: number;
            /**
             * @description Why fewer were taken than the protocol asks for; then it is needed.
             * @example Slept through the midday dose
             */
            missed_reason?: string | null;
        };
        /**
         * @description What departs from the protocol's treatment; a flag never refuses a record.
         *
         *     The set may grow: pass over a value that you do not know.
         *
         *     - `overdose`: More applications were taken than the protocol plans for a day.
         *     - `outside_period`: The day lies before the first or after the last day of the study drug.
         *     - `after_end`: The subject had given up the study drug before that day.
         * @enum {string}
         */
        ExposureFlag: "overdose" | "outside_period" | "after_end";
        /** @description The study drug of a subject, in the order of recording. */
        ExposurePage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["ExposureRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description A correction of one day's study drug. */
        ExposurePatch: {
            /**
             * @description How often the study drug was applied that day. More than the protocol's number is stored and noted as a deviation.
             * @example 2
             */
            applications?: number;
            /**
             * @description Null when none was missed after all.
             * @example Slept through the midday dose
             */
            missed_reason?: string | null;
            /**
             * @description Why: 3 to 500 characters, kept in the audit trail beside what changes (ICH E6(R3) 4.2.2).
             * @example Vials counted again
             */
            reason: string;
        };
        /** @description The study drug of one local day, in its current version. */
        ExposureRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             */
            id: string;
            /**
             * Format: uuid
             * @description The `id` of the subject whom it is about.
             */
            subject_id: string;
            /**
             * @description The code of the hospital, as `GET /v1/sites` lists it. Records of a hospital that is not yours do not exist for you.
             * @example NN
             */
            site: string;
            /**
             * Format: date
             * @description The local day on which the study drug was taken.
             * @example 2026-03-17
             */
            day: string;
            /**
             * @description How often the study drug was applied that day.
             * @example 2
             */
            applications: number;
            /**
             * @description Why it did not take place, in words, for the reader of the record.
             * @example Slept through the midday dose
             */
            missed_reason: string | null;
            /**
             * @description Applications times the protocol's dose, in millilitres.
             * @example 3
             */
            volume_ml: number;
            /** @description What departs from the protocol's treatment, by radiotherapy's dates of today, or was taken after the end of treatment, as it is recorded today. */
            flags: components["schemas"]["ExposureFlag"][];
            /**
             * @description The version of the protocol that was in force when it was recorded; `GET /v1/protocol-versions/{version}` has the document.
             * @example 1.0
             */
            protocol_version: string;
            /**
             * @description Why it was changed last.
             * @example null
             */
            reason: string | null;
            /**
             * Format: date-time
             * @description When it was written down, by the service's own clock (21 CFR 11.10(e)); what it tells of may be earlier.
             */
            recorded_at: string;
            /**
             * @description Counts the versions of the record, from 1: every change makes the next one and keeps those before (ICH E6(R3) 4.2.2).
             * @example 1
             */
            version: number;
        };
        /** @description A bare value, or a dated one; null is as good as left out: unknown. */
        Fact: components["schemas"]["FactValue"] | components["schemas"]["DatedFact"] | null;
        /** @description A fact of screening in words. */
        FactLabels: {
            /**
             * @description What the form asks, as a whole sentence.
             * @example 口腔黏膜是否完整？
             */
            question: string;
            /**
             * @description What each of its choices is called; empty where it is no choice.
             * @example {
             *       "I": "I级",
             *       "none": "无"
             *     }
             */
            choices: {
                [key: string]: string;
            };
        };
        /** @description A question whose answer a criterion needs, and how the answer is written. */
        FactRead: {
            /**
             * @description The key of the answer in `facts`.
             * @example haemoglobin
             */
            id: string;
            /**
             * @description How the answer is written.
             * @example measurement
             */
            type: components["schemas"]["FactType"];
            /**
             * @description What to ask, in words.
             * @example Haemoglobin
             */
            question: string;
            /**
             * @description Of a measurement: what is measured.
             * @example haemoglobin
             */
            quantity?: string;
            /**
             * @description Of a number: what it counts.
             * @example mg/day
             */
            unit?: string;
            /**
             * @description Whether the laboratory's upper limit of normal is sent along.
             * @example true
             */
            uln?: boolean;
            /**
             * @description Whether the answer says when it was found, and grows stale.
             * @example true
             */
            dated?: boolean;
            /**
             * @description Of a choice: its answers.
             * @example [
             *       "I",
             *       "II",
             *       "III",
             *       "IV"
             *     ]
             */
            choices?: string[];
            /**
             * @description The smallest plausible number; a smaller is refused.
             * @example 20
             */
            minimum?: number;
            /**
             * @description The largest plausible number; a larger is refused.
             * @example 250
             */
            maximum?: number;
        };
        /**
         * @description How a fact's value is written in a request.
         *
         *     `date_or_never` is a local date or the word "never"; a `measurement` is an
         *     object with value, unit, `measured_on` and, where the fact asks for it, `uln`.
         *
         *     - `boolean`: A boolean.
         *     - `integer`: An integer.
         *     - `choice`: One of the listed texts.
         *     - `date_or_never`: A local date, or the text `never`.
         *     - `measurement`: An object with value, unit, `measured_on` and, where asked for, `uln`.
         * @enum {string}
         */
        FactType: "boolean" | "integer" | "choice" | "date_or_never" | "measurement";
        /** @description A fact's value as its type in the protocol asks (`eligibility.facts`): true or false, a number, one of its choices, or a local date or `never`. */
        FactValue: boolean | number | string;
        /** @description A stratification factor in words. */
        FactorLabels: {
            /**
             * @description What it is called.
             * @example 同步化疗
             */
            label: string;
            /**
             * @description What each of its values is called, by the value: `true` and `false` where it is one of the two.
             * @example {
             *       "false": "无同步化疗",
             *       "true": "有同步化疗"
             *     }
             */
            levels: {
                [key: string]: string;
            };
        };
        /** @description One factor's value: true or false, or the code of one of its levels. */
        FactorValue: boolean | string;
        /**
         * @description The value of each stratification factor, by its id in the protocol (`randomization.factors`).
         * @example {
         *       "concurrent_chemotherapy": true,
         *       "site": "NN"
         *     }
         */
        FactorValues: {
            [key: string]: components["schemas"]["FactorValue"];
        };
        /**
         * @description Facts by their id in the protocol document (`eligibility.facts`).
         * @example {
         *       "haemoglobin": {
         *         "measured_on": "2026-03-02",
         *         "unit": "g/dL",
         *         "value": 13.1
         *       },
         *       "head_neck_malignancy_confirmed": true
         *     }
         */
        Facts: {
            [key: string]: components["schemas"]["Fact"];
        };
        /** @description What became of those who were randomized. */
        Flow: {
            /**
             * @description All allocations.
             * @example 100
             */
            randomized: number;
            /**
             * @description Later allocations of the same person, left out below.
             * @example 1
             */
            not_retained: number;
            /**
             * @description The intention-to-treat set.
             * @example 99
             */
            analysed: number;
            /**
             * @description Had a first fraction.
             * @example 97
             */
            started_radiotherapy: number;
            /** @description How many gave up the study treatment, by cause. */
            treatment_ended: components["schemas"]["CauseCount"][];
            /** @description How many gave up taking part, by cause. */
            study_left: components["schemas"]["CauseCount"][];
            /**
             * @description Whose time of observation is over, with a primary outcome.
             * @example 80
             */
            evaluable: number;
            /**
             * @description Whose is over without one: too few gradings.
             * @example 6
             */
            not_evaluable: number;
            /**
             * @description Whose is not over.
             * @example 13
             */
            under_observation: number;
        };
        /**
         * @description What the grade that counts at a visit rests on; `unresolved` until it is adjudicated.
         *
         *     - `single`: One assessor graded the visit.
         *     - `agreed`: Two assessors gave the same grade.
         *     - `adjudicated`: An adjudicator decided between two that differ.
         *     - `unresolved`: Two gradings differ and nobody has decided: no grade counts yet.
         * @enum {string}
         */
        GradeBasis: "single" | "agreed" | "adjudicated" | "unresolved";
        /** @description The worst grade of each subject graded in one week. */
        GradeWeek: {
            /**
             * @description The arm's code in the protocol.
             * @example experimental
             */
            arm: string;
            /**
             * @description `during` or `after` radiotherapy.
             * @example during
             */
            period: string;
            /**
             * @description Which week, counted from the first fraction, or after the last.
             * @example 4
             */
            week: number;
            /**
             * @description How many were graded in that week.
             * @example 88
             */
            subjects: number;
            /**
             * @description How many have each grade, from the lowest on.
             * @example [
             *       10,
             *       20,
             *       30,
             *       20,
             *       8
             *     ]
             */
            grades: number[];
        };
        /** @description An assessor's grading: the components observed and the grade concluded. */
        GradingCreate: {
            /**
             * Format: date-time
             * @description When the mouth was looked at, not when it was written down: not in the future, and on the visit's day.
             * @example 2026-04-07T02:30:00Z
             */
            assessed_at: string;
            /**
             * @description On the protocol's scale; this one counts.
             * @example 2
             */
            grade: number;
            /**
             * @description What the mucosa looks like at its worst place.
             * @example patchy
             */
            mucosal_appearance: components["schemas"]["MucosalAppearance"];
            /**
             * @description Whether there is an ulcer anywhere in the mouth.
             * @example false
             */
            ulceration: boolean;
            /**
             * @description Numeric rating scale.
             * @example 5
             */
            pain_score: number;
            /**
             * @description The strongest analgesic that the oral pain needs.
             * @example none
             */
            analgesic: components["schemas"]["Analgesic"];
            /**
             * @description What the subject can eat.
             * @example soft
             */
            diet: components["schemas"]["Diet"];
        };
        /**
         * @description What someone should look at.
         *
         *     The set may grow: pass over a value that you do not know.
         *
         *     - `differs_from_components`: The entered grade is not the one that follows from the components.
         *     - `above_highest_grade`: The entered grade is above the highest that the protocol expects at the visit.
         *     - `impossible_combination`: The components contradict each other.
         *     - `assessor_not_certified`: The assessor had no valid certificate on the day.
         * @enum {string}
         */
        GradingFlag: "differs_from_components" | "above_highest_grade" | "impossible_combination" | "assessor_not_certified";
        /** @description Gradings in the order of their making. */
        GradingPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["GradingRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description A correction by the author. */
        GradingPatch: {
            /**
             * Format: date-time
             * @description When the mouth was looked at, not when it was written down: not in the future, and on the visit's day.
             * @example 2026-04-07T02:30:00Z
             */
            assessed_at?: string;
            /**
             * @description The grade concluded, 0 to 4 on the protocol's scale; it is the one that counts.
             * @example 3
             */
            grade?: number;
            /** @description What the mucosa looks like at its worst place. */
            mucosal_appearance?: components["schemas"]["MucosalAppearance"];
            /** @description Whether there is an ulcer anywhere in the mouth. */
            ulceration?: boolean;
            /**
             * @description The worst oral pain on the numeric rating scale, 0 (none) to 10 (the worst imaginable).
             * @example 6
             */
            pain_score?: number;
            /** @description The strongest analgesic that the oral pain needs. */
            analgesic?: components["schemas"]["Analgesic"];
            /** @description What the subject can eat. */
            diet?: components["schemas"]["Diet"];
            /**
             * @description Why: 3 to 500 characters, kept in the audit trail beside what changes (ICH E6(R3) 4.2.2).
             * @example Misread the source record
             */
            reason: string;
        };
        /** @description One version of a grading. */
        GradingRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             */
            id: string;
            /**
             * Format: uuid
             * @description The `id` of the subject whom it is about.
             */
            subject_id: string;
            /**
             * @description The code of the visit at which it was made, as in the subject's schedule.
             * @example RT4A
             */
            visit: string;
            /**
             * Format: uuid
             * @description The `id` of the account that graded.
             */
            assessor: string;
            /**
             * Format: date-time
             * @description When the mouth was looked at, not when it was written down: not in the future, and on the visit's day.
             */
            assessed_at: string;
            /**
             * Format: date
             * @description The local date of assessed_at.
             */
            assessed_on: string;
            /**
             * @description The grade that the assessor concluded, 0 to 4 on the protocol's scale; it is the one that counts.
             * @example 2
             */
            grade: number;
            /** @description What the mucosa looks like at its worst place. */
            mucosal_appearance: components["schemas"]["MucosalAppearance"];
            /** @description Whether there is an ulcer anywhere in the mouth. */
            ulceration: boolean;
            /**
             * @description The worst oral pain on the numeric rating scale, 0 (none) to 10 (the worst imaginable).
             * @example 5
             */
            pain_score: number;
            /** @description The strongest analgesic that the oral pain needs. */
            analgesic: components["schemas"]["Analgesic"];
            /** @description What the subject can eat. */
            diet: components["schemas"]["Diet"];
            /** @description The grades that follow from the components; a difference raises a query and changes nothing. */
            derived: components["schemas"]["DerivedGrades"];
            /** @description What someone should look at; a flag never refuses a grading. */
            flags: components["schemas"]["GradingFlag"][];
            /**
             * @description The version of the protocol that was in force when it was recorded; `GET /v1/protocol-versions/{version}` has the document.
             * @example 1.0
             */
            protocol_version: string;
            /**
             * @description Why it was changed last; null in the first version.
             * @example Misread the source record
             */
            reason: string | null;
            /**
             * Format: date-time
             * @description When it was written down, by the service's own clock (21 CFR 11.10(e)); what it tells of may be earlier.
             */
            recorded_at: string;
            /**
             * @description Counts the versions of the record, from 1: every change makes the next one and keeps those before (ICH E6(R3) 4.2.2).
             * @example 1
             */
            version: number;
            /**
             * @description What a signature covers.
             * @example 3f0c9b7e2d5a4c1890ab7f6e5d4c3b2a19088f7e6d5c4b3a291807f6e5d4c3b2
             */
            content_hash: string;
            /** @description The last one; among the versions, each one's own. */
            signature: components["schemas"]["SignatureRead"] | null;
        };
        /** @description A grading on the monitor's work list: where it stands in source data verification. */
        GradingToVerify: {
            /**
             * Format: uuid
             * @description The grading to compare: read it at `/v1/gradings/{id}`.
             * @example 019c8a52-9a02-7f4b-8d3e-7c6b5a493827
             */
            grading_id: string;
            /**
             * @description The code of the hospital, as `GET /v1/sites` lists it. Records of a hospital that is not yours do not exist for you.
             * @example NN
             */
            site: string;
            /**
             * Format: uuid
             * @description The `id` of the subject whom it is about.
             * @example 019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07
             */
            subject_id: string;
            /**
             * @description The visit at which it was made.
             * @example RT1A
             */
            visit: string;
            /**
             * @description The grading's current version.
             * @example 2
             */
            current: number;
            /**
             * @description The last version that was compared; null where none was.
             * @example 1
             */
            verified: number | null;
            /**
             * @description `verified` as it stands, `outdated` by a correction since, or `missing`.
             * @example outdated
             */
            state: components["schemas"]["VerificationState"];
        };
        /** @description Gradings in the order of their making, each with its state of verification. */
        GradingToVerifyPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["GradingToVerify"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /**
         * @description With what a token is asked for (RFC 6749, section 4).
         *
         *     - `password`: For people: user name, password and, where asked for, a code.
         *     - `refresh_token`: For people: a new access token without the password.
         *     - `client_credentials`: For hospitals' systems: a secret or a signed assertion.
         * @enum {string}
         */
        GrantType: "password" | "refresh_token" | "client_credentials";
        /** @description The process answers. */
        Health: {
            /**
             * @description `ok`, as long as the process answers.
             * @example ok
             */
            status: string;
        };
        /** @description Days of radiotherapy on which no fraction was given, both included. */
        InterruptionRead: {
            /**
             * Format: date
             * @description The first day without a fraction.
             * @example 2026-04-06
             */
            from: string;
            /**
             * Format: date
             * @description The last day; null while it goes on.
             * @example 2026-04-08
             */
            to: string | null;
            /**
             * @description Why no fraction was given.
             * @example Machine out of service
             */
            reason: string;
        };
        /** @description Days of radiotherapy on which no fraction was given, both included. */
        InterruptionWrite: {
            /**
             * Format: date
             * @description The first day without a fraction: not before the first fraction.
             * @example 2026-04-06
             */
            from: string;
            /**
             * Format: date
             * @description The last one; null while it goes on.
             * @example 2026-04-08
             */
            to?: string | null;
            /**
             * @description Why no fraction was given.
             * @example Machine out of service
             */
            reason: string;
        };
        /** @description A JSON object whose members vary. */
        JsonObject: {
            [key: string]: components["schemas"]["JsonValue"];
        };
        /** @description Any JSON value. */
        JsonValue: boolean | number | string | unknown[] | {
            [key: string]: unknown;
        } | null;
        /** @description RFC 7517: the public keys that verify our tokens. */
        JsonWebKeySet: {
            /**
             * @description The keys, each a JSON Web Key; find the one that a token's `kid` names.
             * @example [
             *       {
             *         "alg": "ES256",
             *         "crv": "P-256",
             *         "kty": "EC"
             *       }
             *     ]
             */
            keys: {
                [key: string]: string;
            }[];
        };
        /**
         * @description How assertions are signed (RFC 7518, section 3.1).
         *
         *     - `ES256`: ECDSA on P-256 with SHA-256.
         *     - `ES384`: ECDSA on P-384 with SHA-384.
         *     - `RS256`: RSASSA-PKCS1-v1_5 with SHA-256.
         *     - `RS384`: RSASSA-PKCS1-v1_5 with SHA-384.
         * @enum {string}
         */
        KeyAlgorithm: "ES256" | "ES384" | "RS256" | "RS384";
        /**
         * @description The curve of an EC key (RFC 7518, section 6.2.1.1).
         *
         *     - `P-256`: The NIST curve of 256 bits.
         *     - `P-384`: The NIST curve of 384 bits.
         * @enum {string}
         */
        KeyCurve: "P-256" | "P-384";
        /** @description The public keys that verify a client's assertions. */
        KeySet: {
            /** @description One to eight public keys: a second one lets you change keys without a gap. */
            keys: components["schemas"]["PublicKey"][];
        };
        /**
         * @description The family of a public key (RFC 7518, section 6.1).
         *
         *     - `EC`: A key on an elliptic curve.
         *     - `RSA`: An RSA key.
         * @enum {string}
         */
        KeyType: "EC" | "RSA";
        /** @description What a value is called, and what it means. */
        LabelRead: {
            /**
             * @description For a form, a list or a menu: a few words without a full stop.
             * @example 斑片状黏膜炎
             */
            label: string;
            /**
             * @description A sentence for whoever asks what the label means.
             * @example 未融合的斑片状黏膜炎。
             */
            meaning: string;
        };
        /**
         * @description Every text that a front-end shows, in one language.
         *
         *     Terms of adverse events are not among them: CTCAE stays in English, of
         *     which there is no translation that may be given away.
         */
        LabelsRead: {
            /**
             * @description Of everything here but, it may be, the protocol's.
             * @example zh-Hans
             */
            language: components["schemas"]["Language"];
            /**
             * @description By the name of an enumeration's schema in the OpenAPI document, and by the value.
             * @example {
             *       "Sex": {
             *         "female": {
             *           "label": "女",
             *           "meaning": "出生时性别为女。"
             *         }
             *       }
             *     }
             */
            enumerations: {
                [key: string]: {
                    [key: string]: components["schemas"]["LabelRead"];
                };
            };
            /** @description By a problem's code, the last part of its `type`. */
            problems: {
                [key: string]: components["schemas"]["ProblemLabels"];
            };
            /** @description The protocol's texts. */
            protocol: components["schemas"]["ProtocolLabels"];
        };
        /**
         * @description A language by its tag (BCP 47); English is what everything falls back to.
         *
         *     - `en`: Texts in English.
         *     - `zh-Hans`: Texts in Simplified Chinese.
         * @enum {string}
         */
        Language: "en" | "zh-Hans";
        /**
         * @description Why a deadline is not to be kept any more.
         *
         *     - `nullified`: The adverse event was declared void.
         *     - `not_serious`: The event turned out not to be serious.
         *     - `not_suspected`: Nobody holds any more that the study drug may have caused it.
         *     - `expected`: The sponsor found that the reaction was expected.
         *     - `not_fatal_or_life_threatening`: The reaction turned out to be neither, so the longer clock counts.
         *     - `upgraded`: The reaction became fatal or life-threatening, so the shorter clock counts.
         * @enum {string}
         */
        LapseCause: "nullified" | "not_serious" | "not_suspected" | "expected" | "not_fatal_or_life_threatening" | "upgraded";
        /** @description What may be written from now on, and why. */
        LockPut: {
            /**
             * @description `open`: the site records. `frozen`: the site changes no clinical data; safety reporting, withdrawals of consent, queries, verification and corrections go on. `locked`: nobody changes anything.
             * @example frozen
             */
            state: components["schemas"]["LockState"];
            /**
             * @description Why: kept with the change.
             * @example Follow-up complete, gradings verified
             */
            reason: string;
        };
        /** @description What may be written, since when, by whose decision and why. */
        LockRead: {
            /**
             * @description How often the state has changed.
             * @example 1
             */
            version: number;
            /**
             * @description `open`: the site records. `frozen`: the site changes no clinical data. `locked`: nobody changes anything.
             * @example frozen
             */
            state: components["schemas"]["LockState"];
            /**
             * Format: date-time
             * @description When it was put into that state; null where it was always open.
             * @example 2026-11-20T03:00:00Z
             */
            since: string | null;
            /**
             * @description Who put it there; null where it was always open.
             * @example Mo Lin
             */
            by: string | null;
            /**
             * @description Why; null where it was always open.
             * @example Follow-up complete, gradings verified
             */
            reason: string | null;
        };
        /**
         * @description What may be written about a subject, or about any subject of the trial.
         *
         *     - `open`: Data may be recorded and changed.
         *     - `frozen`: The site changes no clinical data; safety, and answers to queries, go on.
         *     - `locked`: Nobody changes the record.
         * @enum {string}
         */
        LockState: "open" | "frozen" | "locked";
        /** @description The caller, their sites and what they may do. */
        Me: {
            /**
             * Format: uuid
             * @description The account, as the audit trail and records name it.
             */
            id: string;
            /**
             * @description As it stands in signatures.
             * @example Demo investigator, Nanning
             */
            name: string;
            /** @description The role, which decides what you may do. */
            role: components["schemas"]["Role"];
            /**
             * @description The hospitals whose records exist for you; empty of a role of the whole trial.
             * @example [
             *       "NN"
             *     ]
             */
            sites: string[];
            /** @description Whether this is a system; systems never sign. */
            machine: boolean;
            /** @description What the role may do, each under the name that the operations list. */
            actions: components["schemas"]["Action"][];
        };
        /** @description A measure by arm. */
        Measure: {
            /**
             * @description Which measure, by its name in the endpoint of a subject.
             * @example days_severe
             */
            id: string;
            /**
             * @description The measure in words, with its unit.
             * @example Days at grade 3 or higher
             */
            title: string;
            /** @description Its distribution in each arm. */
            arms: components["schemas"]["ArmMeasure"][];
            /** @description Hodges and Lehmann, first arm minus second; null if one has nobody. */
            difference: components["schemas"]["Estimate"] | null;
        };
        /** @description N: the batch of one message, and the message. */
        Message: {
            /**
             * @description N.1.1: type of messages
             * @example {
             *       "code": "1",
             *       "meaning": "ichicsr"
             *     }
             */
            batch_type: components["schemas"]["Coded"];
            /**
             * @description N.1.2: batch number
             * @example CN-FAHGXMU-019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19-2
             */
            batch_number: string;
            /**
             * @description N.1.3: batch sender
             * @example FAHGXMU
             */
            batch_sender: string;
            /**
             * @description N.1.4: batch receiver
             * @example CDE
             */
            batch_receiver: string;
            /**
             * Format: date-time
             * @description N.1.5: date of transmission
             * @example 2026-04-12T02:00:00Z
             */
            batch_sent_at: string;
            /**
             * @description N.2.r.1: message, the same as C.1.1
             * @example CN-FAHGXMU-019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19
             */
            message_id: string;
            /**
             * @description N.2.r.2: message sender
             * @example FAHGXMU
             */
            message_sender: string;
            /**
             * @description N.2.r.3: message receiver
             * @example CDE
             */
            message_receiver: string;
            /**
             * Format: date-time
             * @description N.2.r.4: creation of the message
             * @example 2026-04-12T02:00:00Z
             */
            created_at: string;
        };
        /** @description A value that is not given, and why. */
        Missing: {
            /**
             * @description NI no information, MSK withheld, UNK unknown, NASK not asked.
             * @example MSK
             */
            null_flavor: components["schemas"]["NullFlavor"];
        };
        /**
         * @description What the mucosa looks like at its worst place.
         *
         *     - `normal`: No change of the mucosa.
         *     - `erythema`: The mucosa is red.
         *     - `patchy`: Patches of mucositis that do not run together.
         *     - `confluent`: Mucositis that has run together.
         *     - `ulcer_hemorrhage_necrosis`: Deep ulceration, bleeding or dead tissue.
         * @enum {string}
         */
        MucosalAppearance: "normal" | "erythema" | "patchy" | "confluent" | "ulcer_hemorrhage_necrosis";
        /** @description H: the case in words. */
        Narrative: {
            /**
             * @description H.1: the case
             * @example Occurrence 1: Dysphagia …
             */
            text: string;
            /**
             * @description H.4: the sponsor's comments; expectedness, for which E2B(R3) has no element
             * @example Sponsor: possibly related to the study drug; unexpected.
             */
            sender_comments: string;
            /** @description H.5.r: only of a text that H.1 cannot hold. */
            continued: components["schemas"]["Continuation"][];
        };
        /**
         * @description How a query's conversation may go on, once it was raised.
         *
         *     - `answer`: The site answers.
         *     - `reopen`: The answer does not settle it.
         *     - `close`: The question is settled.
         * @enum {string}
         */
        NextStep: "answer" | "reopen" | "close";
        /**
         * @description Why a value is not given, in the words of HL7.
         *
         *     - `NI`: Nothing is known of the value.
         *     - `MSK`: Known, and withheld for the person's privacy.
         *     - `UNK`: A value exists and is not known.
         *     - `NASK`: The trial does not record it.
         * @enum {string}
         */
        NullFlavor: "NI" | "MSK" | "UNK" | "NASK";
        /** @description What is measured, and over which time. */
        Outcome: {
            /**
             * @description What is measured.
             * @example The incidence of grade ≥3 oral mucositis
             */
            measure: string;
            /**
             * @description Over which time.
             * @example Until 90 days after radiotherapy
             */
            time_frame: string;
            /**
             * @description How it is measured.
             * @example The proportion of patients with grade 3 or higher
             */
            description: string;
        };
        /** @description One outcome and, for an event, the assessment that decided it. */
        OutcomeRead: {
            /** @description What is known of it today. */
            status: components["schemas"]["OutcomeStatus"];
            /**
             * Format: uuid
             * @description The first that reached the grade; of a visit with several, the earliest.
             */
            deciding_grading: string | null;
            /**
             * @description The version of that grading now.
             * @example 1
             */
            deciding_version: number | null;
            /**
             * @description At which visit it was made; null while nothing decided.
             * @example RT5A
             */
            deciding_visit: string | null;
            /**
             * @description How the visit's gradings became one grade.
             * @example single
             */
            deciding_basis: components["schemas"]["GradeBasis"] | null;
            /**
             * Format: uuid
             * @description The adjudication that decided between them, if there was one.
             */
            deciding_adjudication: string | null;
        };
        /**
         * @description What is known of an outcome: `pending` until its window is over or an event comes first.
         *
         *     - `event`: A grade that counts was reached within the window.
         *     - `no_event`: The window is over, was covered by assessments, and no grade that counts was reached.
         *     - `not_evaluable`: The window is over and too few assessments were made to say.
         *     - `pending`: The window is not over, or a visit's grade is not decided; no grade that counts was reached so far.
         * @enum {string}
         */
        OutcomeStatus: "event" | "no_event" | "not_evaluable" | "pending";
        /** @description How well two independent gradings of the same visits agree. */
        PairFigures: {
            /**
             * @description Visits that two assessors graded independently.
             * @example 90
             */
            pairs: number;
            /**
             * @description The share with the same grade; null of none.
             * @example 0.86
             */
            agreeing: number | null;
            /** @description Weighted by the squared distance of grades; null where it is not defined. */
            kappa_quadratic: components["schemas"]["Estimate"] | null;
            /** @description Weighted by their distance; null where it is not defined. */
            kappa_linear: components["schemas"]["Estimate"] | null;
            /**
             * @description Pairs by first (row) and second (column) grade, from the lowest on.
             * @example [
             *       [
             *         30,
             *         2,
             *         0,
             *         0,
             *         0
             *       ],
             *       [
             *         1,
             *         20,
             *         3,
             *         0,
             *         0
             *       ],
             *       [
             *         0,
             *         2,
             *         15,
             *         1,
             *         0
             *       ],
             *       [
             *         0,
             *         0,
             *         1,
             *         9,
             *         1
             *       ],
             *       [
             *         0,
             *         0,
             *         0,
             *         0,
             *         0
             *       ]
             *     ]
             */
            table: number[][];
        };
        /** @description A person's own new password. */
        PasswordChange: {
            /**
             * @description Who asks.
             * @example investigator-nn
             */
            username: string;
            /**
             * @description What the person signs in with until now.
             * @example sandbox-only
             */
            password: string;
            /**
             * @description The six digits that the authenticator shows now (RFC 6238), of who has one.
             * @example 492039
             */
            totp?: string | null;
            /**
             * @description At least 12 characters; one that is common or easily guessed is refused.
             * @example wisteria ladder 7 mercury
             */
            new_password: string;
        };
        /** @description The new password holds, and every session before it is over. */
        PasswordChanged: {
            /**
             * Format: date-time
             * @description From when on the new password holds.
             */
            changed_at: string;
        };
        /** @description D: whom it happened to. */
        Patient: {
            /**
             * @description D.1: name or initials
             * @example {
             *       "null_flavor": "MSK"
             *     }
             */
            name: components["schemas"]["Missing"];
            /**
             * @description D.1.1.4: number in the trial
             * @example NN-0007
             */
            investigation_number: string;
            /**
             * @description D.2.3: age group at the first onset; UNK when the year of birth leaves two
             * @example {
             *       "code": "5",
             *       "meaning": "adult"
             *     }
             */
            age_group: components["schemas"]["CodedOrMissing"];
            /**
             * @description D.5: sex
             * @example {
             *       "code": "2",
             *       "meaning": "female"
             *     }
             */
            sex: components["schemas"]["Coded"];
            /**
             * @description D.7.2: medical history
             * @example {
             *       "null_flavor": "NASK"
             *     }
             */
            medical_history: components["schemas"]["Missing"];
            /**
             * @description D.7.3: true with concurrent chemotherapy, which section G does not describe
             * @example true
             */
            concomitant_therapies: components["schemas"]["Yes"] | null;
            /** @description D.9: only if the subject died. */
            death: components["schemas"]["Death"] | null;
        };
        /**
         * @description Every role but `hospital_system`, which is for machines.
         *
         *     - `investigator`: Answers for the subjects of a site: screens, signs, randomizes and reports.
         *     - `coordinator`: Enters a site's data for the investigators; signs and randomizes nothing.
         *     - `assessor`: Grades oral mucositis at a site without ever seeing an arm.
         *     - `monitor`: Watches over sites: reads, verifies source data and raises queries.
         *     - `data_manager`: Looks after the data of all sites: queries, certificates, locks and exports.
         *     - `safety_officer`: Assesses adverse events for the sponsor and records what was submitted.
         *     - `statistician`: Reads the data and the reports by arm.
         *     - `dmc`: Reads the aggregate reports by arm and no subject.
         *     - `auditor`: Reads and verifies the whole audit trail.
         *     - `admin`: Looks after accounts and site activation; reads no clinical data.
         * @enum {string}
         */
        PersonRole: "investigator" | "coordinator" | "assessor" | "monitor" | "data_manager" | "safety_officer" | "statistician" | "dmc" | "auditor" | "admin";
        /** @description What the sandbox began with, and when it begins anew by itself. */
        PlayedRead: {
            /**
             * @description The scenario that the data began with.
             * @example mid-trial
             */
            scenario: components["schemas"]["Scenario"];
            /**
             * @description The same seed makes the same subjects and ids.
             * @example 1
             */
            seed: number;
            /**
             * Format: date-time
             * @description Real time; null where the sandbox is reset on demand only.
             * @example 2026-11-24T02:00:00Z
             */
            next_reset_at: string | null;
        };
        /** @description C.2.r: who told the sender. No person is named. */
        PrimarySource: {
            /**
             * @description C.2.r.1.4: reporter's name
             * @example {
             *       "null_flavor": "MSK"
             *     }
             */
            family_name: components["schemas"]["Missing"];
            /**
             * @description C.2.r.2.1: reporter's organisation
             * @example LiuZhou People's Hospital
             */
            organisation: string;
            /**
             * @description C.2.r.3: reporter's country
             * @example CN
             */
            country: string;
            /**
             * @description C.2.r.4: reporter's qualification
             * @example {
             *       "code": "1",
             *       "meaning": "physician"
             *     }
             */
            qualification: components["schemas"]["Coded"];
            /**
             * @description C.2.r.5: primary source
             * @example {
             *       "code": "1",
             *       "meaning": "primary"
             *     }
             */
            primary: components["schemas"]["Coded"];
        };
        /** @description What is assumed of the rate beforehand, as if so many subjects had been watched. */
        PriorRead: {
            /**
             * @description How many of them are taken to have had an event.
             * @example 1
             */
            events: number;
            /**
             * @description How many are taken to have been watched.
             * @example 20
             */
            subjects: number;
        };
        /** @description A problem in words, as its answers say it. */
        ProblemLabels: {
            /**
             * @description What happened, the same each time.
             * @example 该受试者尚不能随机
             */
            title: string;
            /**
             * @description What to do next.
             * @example 请逐条解决errors中的各项，然后重新发送请求。
             */
            remedy: string;
        };
        /** @description Proofs of the allocations so far, in the order of the subjects' randomization. */
        ProofPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["ProofRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description What shows, with the published commitment alone, that an allocation is the list's. */
        ProofRead: {
            /**
             * Format: uuid
             * @description The `id` of the subject whom it is about.
             */
            subject_id: string;
            /**
             * @description The allocation's own number: the stratum and the place in it. It says nothing of the arm.
             * @example NN-C-007
             */
            randomization_number: string;
            /**
             * Format: date-time
             * @description When the allocation was drawn, by the trial's clock.
             */
            randomized_at: string;
            /**
             * @description The stratum in which the slot lies.
             * @example NN-C
             */
            stratum_code: string;
            /**
             * @description The slot's place in its stratum, from 1.
             * @example 7
             */
            seq: number;
            /**
             * @description The arm that the slot holds.
             * @example experimental
             */
            arm: string;
            /**
             * @description 32 bytes, hexadecimal, that hid the arm in the slot's leaf.
             * @example 9b3abc1d672988d9925374df3b4c0cb2a2eb42b66c077100d0f0f614c2ec2704
             */
            salt: string;
            /**
             * @description The leaf's place among all, from 0.
             * @example 6
             */
            leaf_index: number;
            /**
             * @description Sibling hashes from the leaf up to the root (RFC 6962), hexadecimal.
             * @example [
             *       "c9e3a479c14af6941e6aaa1e4f7ef10bd392880eb475216007dcef5304fe576c"
             *     ]
             */
            path: string[];
            /**
             * @description The tree head that the path leads to: it must equal the commitment's.
             * @example 3f0c9b7e2d5a4c1890ab7f6e5d4c3b2a19088f7e6d5c4b3a291807f6e5d4c3b2
             */
            root: string;
        };
        /** @description The protocol's texts, by their ids and codes in the document. */
        ProtocolLabels: {
            /**
             * @description Which protocol these texts are of: the one in force.
             * @example 1.0
             */
            version: string;
            /**
             * @description `en` where the protocol is not kept in the language of the rest.
             * @example zh-Hans
             */
            language: components["schemas"]["Language"];
            /**
             * @description What the trial is called.
             * @example 外泌体喷剂防治放射性口腔黏膜炎
             */
            brief_title: string;
            /**
             * @description The trial's title in full.
             * @example 外泌体喷剂：一项随机对照试验
             */
            official_title: string;
            /**
             * @description How the study drug is taken.
             * @example 取出外泌体药瓶，打开瓶盖，…
             */
            instructions: string;
            /** @description By a site's code. */
            sites: {
                [key: string]: components["schemas"]["SiteLabels"];
            };
            /** @description By an arm's code. */
            arms: {
                [key: string]: components["schemas"]["ArmLabels"];
            };
            /** @description By a stratification factor's id. */
            factors: {
                [key: string]: components["schemas"]["FactorLabels"];
            };
            /** @description By a fact's id. */
            facts: {
                [key: string]: components["schemas"]["FactLabels"];
            };
            /** @description By a criterion's id. */
            criteria: {
                [key: string]: components["schemas"]["CriterionLabels"];
            };
            /**
             * @description By a visit's code in the schedule; `{n}` in a code stands for the week.
             * @example {
             *       "BL": "基线，首次放疗之前",
             *       "RT{n}A": "放疗周，第一次评估"
             *     }
             */
            visits: {
                [key: string]: string;
            };
            /**
             * @description By the field of a grading. Its choices are among `enumerations`.
             * @example {
             *       "pain_score": "口腔疼痛，数字评分法（0无痛，10最痛）"
             *     }
             */
            components: {
                [key: string]: string;
            };
            /** @description By a scale's id. */
            scales: {
                [key: string]: components["schemas"]["ScaleLabels"];
            };
            /**
             * @description By the id of a combination of components that contradict each other.
             * @example {
             *       "ulcer_in_erythema": "记录有溃疡，而黏膜最严重处的外观为红斑。"
             *     }
             */
            impossible: {
                [key: string]: string;
            };
            /**
             * @description By the id of a clock of safety reporting.
             * @example {
             *       "serious_to_sponsor": "严重不良事件，中心报告申办者"
             *     }
             */
            clocks: {
                [key: string]: string;
            };
            /**
             * @description By a stopping rule's id.
             * @example {
             *       "severe_reactions": "试验组中发生4级或5级相关不良事件的受试者"
             *     }
             */
            stopping_rules: {
                [key: string]: string;
            };
        };
        /** @description Published versions, oldest first. */
        ProtocolVersionList: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["ProtocolVersionSummary"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description A protocol version with its whole document and the rulings it rests on. */
        ProtocolVersionRead: {
            /**
             * @description The version of the document; records name it as `protocol_version`.
             * @example 1.0
             */
            version: string;
            /**
             * @description Over the document's canonical JSON.
             * @example 8c1f0d3b5a7e9264c0d1e2f3a4b5968778695a4b3c2d1e0ff0e1d2c3b4a59687
             */
            sha256: string;
            /**
             * Format: date-time
             * @description When it was published, by the service's own clock; nothing changes it after.
             */
            published_at: string;
            /**
             * @description The protocol as data; block sizes are withheld from everyone who recruits.
             * @example {
             *       "endpoint": {
             *         "any_grade": 1,
             *         "severe_grade": 3
             *       },
             *       "version": "1.0"
             *     }
             */
            document: components["schemas"]["JsonObject"];
            /** @description The document's own section: what a screening form asks, and by which rules the answers are judged. */
            eligibility: components["schemas"]["EligibilitySection"];
            /** @description Rulings where the registry record is silent or contradicts itself. */
            assumptions: components["schemas"]["AssumptionRead"][];
        };
        /** @description A published protocol version. */
        ProtocolVersionSummary: {
            /**
             * @description The version of the document; records name it as `protocol_version`.
             * @example 1.0
             */
            version: string;
            /**
             * @description Over the document's canonical JSON.
             * @example 8c1f0d3b5a7e9264c0d1e2f3a4b5968778695a4b3c2d1e0ff0e1d2c3b4a59687
             */
            sha256: string;
            /**
             * Format: date-time
             * @description When it was published, by the service's own clock; nothing changes it after.
             */
            published_at: string;
        };
        /** @description A public JSON Web Key (RFC 7517): EC P-256, EC P-384, or RSA of 2048 to 4096 bits. */
        PublicKey: {
            /**
             * @description Names the key among the client's; an assertion's header says which one signed it.
             * @example 2026
             */
            kid: string;
            /** @description The key's family: it decides which other members are needed. */
            kty: components["schemas"]["KeyType"];
            /**
             * @description What the key is for: signatures, if it is said at all.
             * @constant
             */
            use?: "sig";
            /** @description Follows from an EC key's curve; RS256 for RSA if absent. */
            alg?: components["schemas"]["KeyAlgorithm"];
            /** @description The curve of an EC key; needed for one. */
            crv?: components["schemas"]["KeyCurve"];
            /**
             * @description The x coordinate of an EC key, base64url.
             * @example f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU
             */
            x?: string;
            /**
             * @description The y coordinate of an EC key, base64url.
             * @example x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0
             */
            y?: string;
            /** @description The modulus of an RSA key, base64url. */
            n?: string;
            /**
             * @description The exponent of an RSA key, base64url.
             * @example AQAB
             */
            e?: string;
        };
        /** @description A measured quantity, the unit it is compared in and those in which it may be sent. */
        QuantityRead: {
            /**
             * @description Named by the facts that measure it.
             * @example haemoglobin
             */
            id: string;
            /**
             * @description The unit of `normalised` and of the limits.
             * @example g/L
             */
            unit: string;
            /**
             * @description Each accepted unit, with the factor that turns it into the quantity's own.
             * @example {
             *       "g/L": 1,
             *       "g/dL": 10
             *     }
             */
            units: {
                [key: string]: number;
            };
        };
        /** @description The median and both quartiles. */
        QuartilesRead: {
            /**
             * @description A quarter of the subjects lie at or below it.
             * @example 0
             */
            lower: number;
            /**
             * @description Half of the subjects lie at or below it.
             * @example 8
             */
            median: number;
            /**
             * @description Three quarters of the subjects lie at or below it.
             * @example 21
             */
            upper: number;
        };
        /**
         * @description One step of a query's conversation.
         *
         *     - `raise`: The question is asked.
         *     - `answer`: The site answers.
         *     - `reopen`: The answer does not settle it.
         *     - `close`: The question is settled.
         * @enum {string}
         */
        QueryAction: "raise" | "answer" | "reopen" | "close";
        /** @description A question about something recorded. */
        QueryCreate: {
            /**
             * Format: uuid
             * @description The `id` of the subject whom it is about.
             * @example 019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07
             */
            subject_id: string;
            /**
             * @description Which kind of record it is about.
             * @example visit
             */
            record: components["schemas"]["RecordKind"];
            /**
             * @description Which one: the code of a visit, the `id` of a consent, grading, adverse event, deviation or exposure. Left out where a subject has one only.
             * @example RT1A
             */
            record_id?: string;
            /**
             * @description The field in question, by its name in that record; of eligibility, the id of a fact. Left out where the whole record is meant.
             * @example date
             */
            field?: string;
            /**
             * @description The question. An assessor reads those about their own gradings: name no arm.
             * @example The source record says 9 April; please check the date of the visit
             */
            text: string;
        };
        /**
         * @description Who noticed it: a person, or the service.
         *
         *     - `person`: A person asked.
         *     - `system`: The service asked by itself.
         * @enum {string}
         */
        QueryOrigin: "person" | "system";
        /** @description Data queries, in the order in which they were raised. */
        QueryPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["QueryRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description The next step of a query's conversation. */
        QueryPatch: {
            /**
             * @description The site answers; whoever raised the query closes or reopens it, and a data manager may.
             * @example answer
             */
            action: components["schemas"]["NextStep"];
            /**
             * @description The answer, what is still missing, or why it is settled.
             * @example Corrected from the source record
             */
            text: string;
        };
        /** @description A data query with its whole conversation. */
        QueryRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             * @example 019c8a53-1c40-7a5e-b1d2-6a7b8c9d0e1f
             */
            id: string;
            /**
             * @description How many steps it has had.
             * @example 1
             */
            version: number;
            /**
             * @description The code of the hospital, as `GET /v1/sites` lists it. Records of a hospital that is not yours do not exist for you.
             * @example NN
             */
            site: string;
            /**
             * Format: uuid
             * @description The `id` of the subject whom it is about.
             * @example 019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07
             */
            subject_id: string;
            /**
             * @description Which kind of record it is about.
             * @example visit
             */
            record: components["schemas"]["RecordKind"];
            /**
             * @description Which one; null where a subject has one only.
             * @example RT1A
             */
            record_id: string | null;
            /**
             * @description The field in question; null where the whole record is meant.
             * @example date
             */
            field: string | null;
            /**
             * @description `system`: raised by the service, which also closes it when the data is corrected.
             * @example person
             */
            origin: components["schemas"]["QueryOrigin"];
            /**
             * @description What the service noticed; null for people's queries.
             * @example null
             */
            code: string | null;
            /**
             * @description `open`: the site's turn. `answered`: the opener's. `closed`: settled.
             * @example open
             */
            status: components["schemas"]["QueryStatus"];
            /**
             * Format: date-time
             * @description When it was raised, in the trial's time; its age counts from that day.
             * @example 2026-04-10T02:15:00Z
             */
            raised_at: string;
            /** @description Every step, oldest first. */
            conversation: components["schemas"]["QueryStepRead"][];
        };
        /**
         * @description Whose turn it is: the site's, the opener's, or nobody's any more.
         *
         *     - `open`: It is the site's turn to answer.
         *     - `answered`: It is the opener's turn to close or reopen.
         *     - `closed`: Nobody has to do anything any more.
         * @enum {string}
         */
        QueryStatus: "open" | "answered" | "closed";
        /** @description One step of a query's conversation. */
        QueryStepRead: {
            /**
             * @description What was done.
             * @example raise
             */
            action: components["schemas"]["QueryAction"];
            /**
             * @description What was said.
             * @example The source record says 9 April; please check the date of the visit
             */
            text: string;
            /**
             * @description Who said it; null where the service did.
             * @example Qin Yuhan
             */
            name: string | null;
            /**
             * @description As what they said it; null where the service did.
             * @example monitor
             */
            role: components["schemas"]["Role"] | null;
            /**
             * Format: date-time
             * @description When it was written down, by the service's own clock (21 CFR 11.10(e)); what it tells of may be earlier.
             * @example 2026-04-10T02:15:00Z
             */
            recorded_at: string;
        };
        /** @description The whole plan and delivery as it is known now; what is left out is not known. */
        RadiotherapyPut: {
            /**
             * @description The planned total dose, in gray (Gy).
             * @example 66
             */
            planned_dose_gy: number;
            /**
             * @description Into how many fractions the planned dose is divided.
             * @example 33
             */
            planned_fractions: number;
            /**
             * Format: date
             * @description The local day planned for the first fraction: the visits follow it until the real first one is recorded.
             * @example 2026-03-16
             */
            planned_start: string;
            /**
             * @description A stratification factor, where the protocol names it.
             * @example true
             */
            concurrent_chemotherapy: boolean;
            /**
             * @description The value of every factor that the protocol has recorded here.
             * @example null
             * @example {
             *       "cisplatin_schedule": "weekly",
             *       "treatment_setting": "definitive"
             *     }
             */
            stratification?: components["schemas"]["FactorValues"] | null;
            /**
             * Format: date
             * @description The local day of the first fraction given. From then on visits and the endpoint's window are counted, and the subject is not randomized any more.
             * @example 2026-03-16
             */
            first_fraction_on?: string | null;
            /**
             * Format: date
             * @description The local day of the last fraction given: the follow-up is counted from it. Null while radiotherapy goes on.
             */
            last_fraction_on?: string | null;
            /**
             * @description The total dose given so far, in gray (Gy).
             * @example 66
             */
            delivered_dose_gy?: number | null;
            /**
             * @description How many fractions were given so far.
             * @example 33
             */
            delivered_fractions?: number | null;
            /**
             * @description In their order and apart from each other; only the last may go on. It may be left out as long as none is recorded; an empty list takes the recorded ones back.
             * @example [
             *       {
             *         "from": "2026-04-06",
             *         "reason": "Machine out of service",
             *         "to": "2026-04-08"
             *       }
             *     ]
             */
            interruptions?: components["schemas"]["InterruptionWrite"][];
            /**
             * @description Why the recorded data changes; required from the second version on.
             * @example Typing error, corrected from the source record
             */
            reason?: string | null;
        };
        /** @description Radiotherapy as planned and delivered; everything is null before it is recorded. */
        RadiotherapyRead: {
            /**
             * @description The planned total dose, in gray (Gy).
             * @example 66
             */
            planned_dose_gy: number | null;
            /**
             * @description Into how many fractions the planned dose is divided.
             * @example 33
             */
            planned_fractions: number | null;
            /**
             * Format: date
             * @description The local day planned for the first fraction: the visits follow it until the real first one is recorded.
             * @example 2026-03-16
             */
            planned_start: string | null;
            /**
             * @description Whether chemotherapy is given along with radiotherapy. Where the protocol stratifies by it, a wrong value puts the subject into the wrong stratum, and nothing takes that back.
             * @example true
             */
            concurrent_chemotherapy: boolean | null;
            /**
             * @description The stratification factors recorded here; null where there are none.
             * @example null
             * @example {
             *       "cisplatin_schedule": "weekly",
             *       "treatment_setting": "definitive"
             *     }
             */
            stratification: components["schemas"]["FactorValues"] | null;
            /**
             * Format: date
             * @description The local day of the first fraction given. From then on visits and the endpoint's window are counted, and the subject is not randomized any more.
             */
            first_fraction_on: string | null;
            /**
             * Format: date
             * @description The local day of the last fraction given: the follow-up is counted from it. Null while radiotherapy goes on.
             */
            last_fraction_on: string | null;
            /**
             * @description The total dose given so far, in gray (Gy).
             * @example 66
             */
            delivered_dose_gy: number | null;
            /**
             * @description How many fractions were given so far.
             * @example 33
             */
            delivered_fractions: number | null;
            /** @description Days without fractions, in their order. */
            interruptions: components["schemas"]["InterruptionRead"][];
            /**
             * @description The version of the protocol that was in force when it was recorded; `GET /v1/protocol-versions/{version}` has the document.
             * @example 1.0
             */
            protocol_version: string | null;
            /**
             * @description Why it was changed last; null in the first version.
             * @example First fraction delivered
             */
            reason: string | null;
            /**
             * Format: date-time
             * @description When it was written down, by the service's own clock (21 CFR 11.10(e)); what it tells of may be earlier.
             */
            recorded_at: string | null;
            /**
             * @description 0 before anything is recorded.
             * @example 1
             */
            version: number;
        };
        /**
         * @description How many subjects were randomized, and of how many something went wrong.
         *
         *     Every figure counts subjects; of none is told which arm they are in.
         */
        RandomizationFigures: {
            /**
             * @description Subjects who were allocated to an arm.
             * @example 41
             */
            randomized: number;
            /**
             * @description Whose correct stratum, as last recorded, is not the one used.
             * @example 1
             */
            wrong_stratum: number;
            /**
             * @description Who did not meet the criteria, and stay in the trial.
             * @example 1
             */
            ineligible: number;
            /**
             * @description Who are the same person as another subject.
             * @example 2
             */
            duplicate: number;
            /**
             * @description Those of them whose allocation was not the first, so it does not count.
             * @example 1
             */
            duplicate_not_retained: number;
            /**
             * @description Randomized later before radiotherapy than the protocol asks for.
             * @example 3
             */
            late_randomization: number;
            /**
             * @description Whose recorded stratification factor was changed after randomization.
             * @example 1
             */
            stratum_changed: number;
        };
        /** @description Allocations at the caller's sites, oldest first. */
        RandomizationPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["RandomizationRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description A subject's allocation. */
        RandomizationRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             */
            id: string;
            /**
             * Format: uuid
             * @description The `id` of the subject whom it is about.
             */
            subject_id: string;
            /**
             * @description The code of the hospital, as `GET /v1/sites` lists it. Records of a hospital that is not yours do not exist for you.
             * @example NN
             */
            site: string;
            /**
             * @description The arm's code in the protocol. Absent for assessors, who grade without it.
             * @example experimental
             */
            arm?: string;
            /**
             * @description The allocation's own number: the stratum and the place in it. It says nothing of the arm.
             * @example NN-C-001
             */
            randomization_number: string;
            /**
             * Format: date-time
             * @description When the allocation was drawn, by the trial's clock.
             */
            randomized_at: string;
            /** @description The stratification factors' values that were used. */
            stratum: components["schemas"]["FactorValues"];
            /**
             * @description The version of the protocol that was in force when it was recorded; `GET /v1/protocol-versions/{version}` has the document.
             * @example 1.0
             */
            protocol_version: string;
            /**
             * @description The version of the eligibility evaluation that was checked.
             * @example 1
             */
            evaluation_version: number;
        };
        /** @description Randomization and its errors at the caller's sites, and in all of them together. */
        RandomizationReport: {
            /** @description Each of your sites. */
            sites: components["schemas"]["SiteFigures"][];
            /** @description All of your sites together. */
            total: components["schemas"]["RandomizationFigures"];
        };
        /** @description E.i: one occurrence of the case; a case whose severity changes has several. */
        Reaction: {
            /**
             * Format: uuid
             * @description The adverse event's `id`.
             * @example 019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19
             */
            id: string;
            /**
             * @description E.i.1.1a: as reported
             * @example Dysphagia
             */
            reported: string;
            /**
             * @description E.i.1.1b: its language
             * @example eng
             */
            language: string;
            /**
             * @description E.i.2.1a: version of MedDRA
             * @example 20.1
             */
            meddra_version: string;
            /**
             * @description E.i.2.1b: code in MedDRA
             * @example 10013950
             */
            meddra_code: string;
            /**
             * @description E.i.3.2a: results in death
             * @example {
             *       "null_flavor": "NI"
             *     }
             */
            death: components["schemas"]["YesOrMissing"];
            /**
             * @description E.i.3.2b: life threatening
             * @example {
             *       "null_flavor": "NI"
             *     }
             */
            life_threatening: components["schemas"]["YesOrMissing"];
            /**
             * @description E.i.3.2c: caused or prolonged hospitalisation
             * @example true
             */
            hospitalisation: components["schemas"]["YesOrMissing"];
            /**
             * @description E.i.3.2d: disabling
             * @example {
             *       "null_flavor": "NI"
             *     }
             */
            disability: components["schemas"]["YesOrMissing"];
            /**
             * @description E.i.3.2e: congenital anomaly
             * @example {
             *       "null_flavor": "NI"
             *     }
             */
            congenital_anomaly: components["schemas"]["YesOrMissing"];
            /**
             * @description E.i.3.2f: other medically important condition
             * @example {
             *       "null_flavor": "NI"
             *     }
             */
            other_medically_important: components["schemas"]["YesOrMissing"];
            /**
             * Format: date
             * @description E.i.4: start
             * @example 2026-04-10
             */
            started_on: string;
            /**
             * Format: date
             * @description E.i.5: end, where there is one
             * @example 2026-04-20
             */
            ended_on: string | null;
            /**
             * @description E.i.7: outcome
             * @example {
             *       "code": "2",
             *       "meaning": "recovering/resolving"
             *     }
             */
            outcome: components["schemas"]["Coded"];
            /**
             * @description E.i.9: country
             * @example CN
             */
            country: string;
        };
        /** @description Every check passed. */
        Readiness: {
            /**
             * @description `ready`, when every check passed; else the answer is 503.
             * @example ready
             */
            status: string;
            /**
             * @description The schema revision of the database.
             * @example protection
             */
            revision: string;
            /**
             * @description Age of the oldest event that no worker has acted on. When it grows, no worker runs: records are kept all the same, but nobody is reminded and nothing is sent.
             * @example 0.2
             */
            feed_behind_seconds: number;
            /**
             * @description Events whose consequences failed and are tried again: see the worker's log.
             * @example 0
             */
            feed_postponed: number;
        };
        /**
         * @description To whom a safety report is owed.
         *
         *     - `sponsor`: The trial's sponsor.
         *     - `regulator`: The authority for medicines.
         *     - `ethics_committee`: The committee that approved the trial.
         * @enum {string}
         */
        Recipient: "sponsor" | "regulator" | "ethics_committee";
        /**
         * @description What a query may be about.
         *
         *     The set may grow: pass over a value that you do not know.
         *
         *     - `subject`: A subject's own data.
         *     - `consent`: A signed consent form.
         *     - `eligibility`: The facts of screening.
         *     - `radiotherapy`: The radiotherapy plan and delivery.
         *     - `visit`: A visit.
         *     - `grading`: An assessment of oral mucositis.
         *     - `adverse_event`: An adverse event.
         *     - `deviation`: A departure from the protocol.
         *     - `exposure`: The study drug taken on a day.
         *     - `discontinuation`: The end of treatment or of taking part.
         * @enum {string}
         */
        RecordKind: "subject" | "consent" | "eligibility" | "radiotherapy" | "visit" | "grading" | "adverse_event" | "deviation" | "exposure" | "discontinuation";
        /** @description The record that an event is about. */
        RecordRef: {
            /**
             * @description Which kind of record: the part of the event's type before the point, or what it belongs to.
             * @example subject
             */
            kind: string;
            /**
             * @description Which one: its `id`, or a visit's code.
             * @example 019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07
             */
            id: string;
        };
        /** @description Inclusions against the target, by site and week. */
        Recruitment: {
            /**
             * Format: date
             * @description The local day up to which data were counted.
             */
            as_of: string;
            /**
             * Format: date-time
             * @description When the newest of the counted records was made; null without any.
             */
            newest_record: string | null;
            /**
             * @description Whose rules derived the figures.
             * @example 1.0
             */
            protocol_version: string;
            /**
             * @description Whose subjects are counted.
             * @example [
             *       "LZ",
             *       "NN"
             *     ]
             */
            sites: string[];
            /**
             * @description The methods used, with their sources.
             * @example [
             *       "Wilson 1927"
             *     ]
             */
            methods: string[];
            /**
             * @description What a reader must know to judge the figures.
             * @example [
             *       "Nothing is imputed."
             *     ]
             */
            notes: string[];
            /**
             * @description Subjects randomized.
             * @example 120
             */
            included: number;
            /**
             * @description The trial's; null unless all sites are counted.
             * @example 200
             */
            target: number | null;
            /**
             * Format: date
             * @description The protocol's start; null without a target.
             * @example 2026-01-01
             */
            planned_from: string | null;
            /**
             * Format: date
             * @description The end of the protocol's month of primary completion; null without a target.
             * @example 2027-06-30
             */
            planned_to: string | null;
            /** @description Each site's inclusions. */
            by_site: components["schemas"]["SiteRecruitment"][];
            /** @description Every week since the first inclusion, also those without one. */
            weeks: components["schemas"]["RecruitmentWeek"][];
            /** @description Null when too little is known, or not all sites are counted. */
            forecast: components["schemas"]["RecruitmentForecast"] | null;
        };
        /** @description When the target is reached if recruitment goes on as in the last weeks. */
        RecruitmentForecast: {
            /**
             * @description How many past weeks it rests on.
             * @example 12
             */
            weeks: number;
            /**
             * @description How many were included in them.
             * @example 31
             */
            included: number;
            /**
             * Format: date
             * @description As likely before as after.
             * @example 2027-05-10
             */
            middle: string;
            /**
             * Format: date
             * @description Before it with 2.5 %.
             * @example 2027-02-01
             */
            earliest: string;
            /**
             * Format: date
             * @description After it with 2.5 %.
             * @example 2027-10-04
             */
            latest: string;
        };
        /** @description One local week, from Monday. */
        RecruitmentWeek: {
            /**
             * Format: date
             * @description The Monday on which it begins.
             * @example 2026-01-05
             */
            week_of: string;
            /**
             * @description Subjects randomized in it.
             * @example 3
             */
            included: number;
            /**
             * @description Since the first, up to its end.
             * @example 21
             */
            cumulative: number;
            /**
             * @description Those of each site.
             * @example {
             *       "NN": 3
             *     }
             */
            by_site: {
                [key: string]: number;
            };
        };
        /** @description A version of the reference safety information. */
        ReferenceDocumentCreate: {
            /**
             * @description What the document calls its version.
             * @example 2.0
             */
            version: string;
            /**
             * @description What the document calls itself.
             * @example Investigator's brochure, section 7: reference safety information
             */
            title: string;
            /**
             * Format: date
             * @description The first local day of onset for which it decides: today or later, but for the trial's first document.
             * @example 2026-01-12
             */
            effective_on: string;
            /**
             * @description Every expected reaction; none, if nothing is known of the product.
             * @example [
             *       {
             *         "max_grade": 3,
             *         "term": "Nausea"
             *       }
             *     ]
             */
            expected: components["schemas"]["ExpectedWrite"][];
        };
        /** @description Reference documents in the order of their publication. */
        ReferenceDocumentPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["ReferenceDocumentRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description A version of the reference safety information, which never changes. */
        ReferenceDocumentRead: {
            /**
             * Format: uuid
             * @description Of this version.
             * @example 019c8a57-1d2e-7c4f-9a60-3b5c7d9e1f02
             */
            id: string;
            /**
             * @description What the document calls its version.
             * @example 2.0
             */
            version: string;
            /**
             * @description What the document calls itself.
             * @example Investigator's brochure, section 7: reference safety information
             */
            title: string;
            /**
             * Format: date
             * @description The first local day of onset for which it decides.
             * @example 2026-01-12
             */
            effective_on: string;
            /**
             * @description The version of CTCAE that its terms are of.
             * @example 5.0
             */
            dictionary_version: string;
            /**
             * @description Every expected reaction.
             * @example [
             *       {
             *         "max_grade": 3,
             *         "term": "Nausea"
             *       }
             *     ]
             */
            expected: components["schemas"]["ExpectedRead"][];
            /**
             * Format: uuid
             * @description Who published it.
             * @example 019c8a50-33cc-7f5e-8a21-4d6e8f0a1b2c
             */
            recorded_by: string;
            /**
             * Format: date-time
             * @description When it was published.
             * @example 2026-01-12T08:10:00Z
             */
            recorded_at: string;
        };
        /** @description C.5.1.r: the study in a public registry. */
        Registration: {
            /**
             * @description C.5.1.r.1: registration number
             * @example NCT07312656
             */
            number: string;
            /**
             * @description C.5.1.r.2: country of the registry
             * @example US
             */
            country: string;
        };
        /** @description C.1: which report this is. */
        Report: {
            /**
             * @description C.1.1: the sender's identifier, the same in every version
             * @example CN-FAHGXMU-019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19
             */
            safety_report_id: string;
            /**
             * Format: date-time
             * @description C.1.2: creation of this version
             * @example 2026-04-12T02:00:00Z
             */
            created_at: string;
            /**
             * @description C.1.3: type
             * @example {
             *       "code": "2",
             *       "meaning": "report from study"
             *     }
             */
            report_type: components["schemas"]["Coded"];
            /**
             * Format: date-time
             * @description C.1.4: first received
             * @example 2026-04-11T01:15:00Z
             */
            first_received_at: string;
            /**
             * Format: date-time
             * @description C.1.5: most recent information
             * @example 2026-04-12T01:00:00Z
             */
            latest_information_at: string;
            /**
             * @description C.1.6.1: additional documents
             * @example false
             */
            additional_documents: boolean;
            /**
             * @description C.1.7: fulfils the criteria for expedited reporting
             * @example true
             */
            expedited: boolean;
            /**
             * @description C.1.8.1: worldwide unique identifier
             * @example CN-FAHGXMU-019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19
             */
            worldwide_id: string;
            /**
             * @description C.1.8.2: first sender
             * @example {
             *       "code": "2",
             *       "meaning": "other"
             *     }
             */
            first_sender: components["schemas"]["Coded"];
            /**
             * @description C.1.9.1: identifiers of other senders
             * @example {
             *       "null_flavor": "NI"
             *     }
             */
            other_identifiers: components["schemas"]["Missing"];
            /**
             * @description C.1.10.r: reports on other cases of the same subject
             * @example [
             *       "CN-FAHGXMU-019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19"
             *     ]
             */
            linked_reports: string[];
            /**
             * @description C.1.11.1: nullification
             * @example {
             *       "code": "1",
             *       "meaning": "nullification"
             *     }
             */
            change: components["schemas"]["Coded"] | null;
            /**
             * @description C.1.11.2: why
             * @example Recorded for another subject
             */
            change_reason: string | null;
        };
        /**
         * @description JSON for programs; one page of HTML, or a PDF, for people.
         *
         *     - `json`: For programs.
         *     - `html`: One page for people.
         *     - `pdf`: A printable document for people.
         * @enum {string}
         */
        ReportFormat: "json" | "html" | "pdf";
        /**
         * @description The kinds that a person reports; the others the service notices by itself.
         *
         *     - `visit`: A visit or a procedure of it departed from the protocol.
         *     - `treatment`: The study treatment departed from the protocol.
         *     - `consent`: Informed consent departed from the protocol.
         *     - `other`: Any other departure from the protocol.
         * @enum {string}
         */
        ReportableDeviation: "visit" | "treatment" | "consent" | "other";
        /** @description What to begin anew with; what is left out stays as it was. */
        ResetOrder: {
            /**
             * @description One that GET /sandbox/scenarios lists.
             * @example mid-trial
             */
            scenario?: components["schemas"]["Scenario"] | null;
            /**
             * @description Any number. The same scenario and seed give the same subjects, ids, arms and dates in every installation of the same version.
             * @example 1
             */
            seed?: number | null;
        };
        /** @description What the sandbox began anew with, and clinical time there. Everybody has to sign in again. */
        ResetRead: {
            /**
             * @description The scenario that the data began with.
             * @example mid-trial
             */
            scenario: components["schemas"]["Scenario"];
            /**
             * @description The same seed makes the same subjects and ids.
             * @example 1
             */
            seed: number;
            /**
             * Format: date-time
             * @description Real time; null where the sandbox is reset on demand only.
             * @example 2026-11-24T02:00:00Z
             */
            next_reset_at: string | null;
            /**
             * Format: date-time
             * @description Clinical time, in UTC.
             * @example 2026-08-17T02:00:00Z
             */
            now: string;
            /**
             * Format: date
             * @description The trial's local calendar date.
             * @example 2026-08-17
             */
            today: string;
        };
        /** @description A form as in RFC 7009 section 2.1. */
        Revocation: {
            /**
             * @description A refresh or access token.
             * @example 0199.0.bWFj
             */
            token: string;
            /**
             * @description Taken and not needed: the token itself tells what it is.
             * @example refresh_token
             */
            token_type_hint?: string | null;
            /**
             * @description Taken and not needed: whoever holds the token may end its session.
             * @example his-nn
             */
            client_id?: string | null;
            /**
             * @description Taken and not needed: whoever holds the token may end its session.
             * @example sandbox-only
             */
            client_secret?: string | null;
        };
        /** @description The token is of no use any more. */
        Revoked: {
            /**
             * @description True, also of a token that was none of ours: there is nothing left to end.
             * @constant
             */
            revoked: true;
        };
        /**
         * @description Who acts. The first five are bound to one or more sites, the others to none or to all.
         *
         *     - `investigator`: Answers for the subjects of a site: screens, signs, randomizes and reports.
         *     - `coordinator`: Enters a site's data for the investigators; signs and randomizes nothing.
         *     - `assessor`: Grades oral mucositis at a site without ever seeing an arm.
         *     - `monitor`: Watches over sites: reads, verifies source data and raises queries.
         *     - `hospital_system`: A machine client of a hospital; records data and signs nothing.
         *     - `data_manager`: Looks after the data of all sites: queries, certificates, locks and exports.
         *     - `safety_officer`: Assesses adverse events for the sponsor and records what was submitted.
         *     - `statistician`: Reads the data and the reports by arm.
         *     - `dmc`: Reads the aggregate reports by arm and no subject.
         *     - `auditor`: Reads and verifies the whole audit trail.
         *     - `admin`: Looks after accounts and site activation; reads no clinical data.
         * @enum {string}
         */
        Role: "investigator" | "coordinator" | "assessor" | "monitor" | "hospital_system" | "data_manager" | "safety_officer" | "statistician" | "dmc" | "auditor" | "admin";
        /** @description Adverse events by arm, of the intention-to-treat set. */
        SafetyByArm: {
            /**
             * Format: date
             * @description The local day up to which data were counted.
             */
            as_of: string;
            /**
             * Format: date-time
             * @description When the newest of the counted records was made; null without any.
             */
            newest_record: string | null;
            /**
             * @description Whose rules derived the figures.
             * @example 1.0
             */
            protocol_version: string;
            /**
             * @description Whose subjects are counted.
             * @example [
             *       "LZ",
             *       "NN"
             *     ]
             */
            sites: string[];
            /**
             * @description The methods used, with their sources.
             * @example [
             *       "Wilson 1927"
             *     ]
             */
            methods: string[];
            /**
             * @description What a reader must know to judge the figures.
             * @example [
             *       "Nothing is imputed."
             *     ]
             */
            notes: string[];
            /**
             * @description Code and name.
             * @example {
             *       "experimental": "Exosome oral spray"
             *     }
             */
            arms: {
                [key: string]: string;
            };
            /**
             * @description How many were randomized, by the arm's code.
             * @example {
             *       "control": 100,
             *       "experimental": 99
             *     }
             */
            subjects: {
                [key: string]: number;
            };
            /**
             * @description Events that began before randomization, of both arms, left out.
             * @example 3
             */
            before_randomization: number;
            /** @description All, serious, related and fatal events. */
            groups: components["schemas"]["EventRow"][];
            /** @description By term; the most frequent first. */
            terms: components["schemas"]["EventRow"][];
        };
        /** @description A grading scale in words. */
        ScaleLabels: {
            /**
             * @description What it is called.
             * @example WHO口腔毒性分级
             */
            label: string;
            /**
             * @description What each grade means, by the grade.
             * @example {
             *       "0": "无"
             *     }
             */
            grades: {
                [key: string]: string;
            };
        };
        /**
         * @description How far the trial is when practising begins.
         *
         *     The set may grow: pass over a value that you do not know.
         *
         *     - `empty`: Demo accounts and activated sites, no subject.
         *     - `screening`: Subjects in each stage of screening at every site.
         *     - `mid-trial`: Subjects in every state of treatment and follow-up.
         *     - `closed-out`: Everybody is followed up, and the records are locked.
         * @enum {string}
         */
        Scenario: "empty" | "screening" | "mid-trial" | "closed-out";
        /** @description The scenarios, and the one that is played now. */
        ScenarioList: {
            /** @description All there are, from the earliest stage on. */
            items: components["schemas"]["ScenarioRead"][];
            /** @description The one that the sandbox began with. */
            played: components["schemas"]["PlayedRead"];
        };
        /** @description A scenario to begin with. */
        ScenarioRead: {
            /**
             * @description What a reset names.
             * @example mid-trial
             */
            name: components["schemas"]["Scenario"];
            /**
             * @description What the sandbox holds when it begins with it.
             * @example Subjects in every state of treatment and follow-up.
             */
            description: string;
        };
        /** @description A new secret, which is never shown again. */
        SecretMade: {
            /**
             * @description Signs from now on.
             * @example whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwGz3r0vWQd1E=
             */
            secret: string;
            /**
             * Format: date-time
             * @description Until then the secret before signs as well.
             * @example 2026-04-10T02:15:00Z
             */
            before_signs_until: string;
        };
        /** @description C.3: the sponsor. */
        Sender: {
            /**
             * @description C.3.1: type of sender
             * @example {
             *       "code": "6",
             *       "meaning": "other"
             *     }
             */
            type: components["schemas"]["Coded"];
            /**
             * @description C.3.2: organisation
             * @example First Affiliated Hospital of Guangxi Medical University
             */
            organisation: string;
            /**
             * @description C.3.4.5: country
             * @example CN
             */
            country: string;
        };
        /**
         * @description ICH E2B(R3) E.i.3.2: what makes an event serious, whatever its severity.
         *
         *     - `death`: The subject died of the event.
         *     - `life_threatening`: The subject was at risk of death at the time of the event.
         *     - `hospitalisation`: The event led to hospitalisation or prolonged it.
         *     - `disability`: The event led to persistent or significant disability or incapacity.
         *     - `congenital_anomaly`: The event is a congenital anomaly or a birth defect.
         *     - `other_medically_important`: In medical judgment the event is as important as the others.
         * @enum {string}
         */
        Seriousness: "death" | "life_threatening" | "hospitalisation" | "disability" | "congenital_anomaly" | "other_medically_important";
        /**
         * @description The states a person may set; the others follow from what is recorded.
         *
         *     - `screen_failed`: The subject does not enter the trial.
         *     - `withdrawn`: The subject left the trial by their own or a physician's decision.
         *     - `lost_to_follow_up`: The subject cannot be reached any more.
         *     - `died`: The subject died.
         *     - `completed`: The subject completed the trial.
         * @enum {string}
         */
        SettableStatus: "screen_failed" | "withdrawn" | "lost_to_follow_up" | "died" | "completed";
        /**
         * @description Sex as recorded at birth.
         *
         *     - `female`: Female at birth.
         *     - `male`: Male at birth.
         * @enum {string}
         */
        Sex: "female" | "male";
        /** @description A signature on the version of a record that has this content_hash. */
        SignatureCreate: {
            /** @description What the signer states by it (21 CFR 11.50(a)(3)), in these very words. */
            meaning: components["schemas"]["SignatureMeaning"];
            /**
             * @description The signer's own password, once more: a token alone signs nothing (21 CFR 11.200(a)). Wrong ones are slowed down, and stand in the trail.
             * @example sandbox-only
             */
            password?: string;
            /**
             * @description The code that the authenticator shows now.
             * @example 492039
             */
            totp?: string;
            /**
             * @description That of the version which the signer read.
             * @example 3f0c9b7e2d5a4c1890ab7f6e5d4c3b2a19088f7e6d5c4b3a291807f6e5d4c3b2
             */
            content_hash: string;
        };
        /**
         * @description Everything that a person may state by signing (21 CFR 11.50(a)(3)).
         *
         *     - `I confirm eligibility`: The investigator confirms that the subject is eligible.
         *     - `I confirm ineligibility`: The investigator confirms that the subject is not eligible.
         *     - `I confirm the grading`: The assessor confirms a grading of their own.
         *     - `I have reviewed the adverse event`: The investigator has read and judged the adverse event.
         * @enum {string}
         */
        SignatureMeaning: "I confirm eligibility" | "I confirm ineligibility" | "I confirm the grading" | "I have reviewed the adverse event";
        /** @description A signature on one version of a record. */
        SignatureRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             */
            id: string;
            /** @description What the signer states by it (21 CFR 11.50(a)(3)), in these very words. */
            meaning: components["schemas"]["SignatureMeaning"];
            /**
             * @description The signer's name at the time.
             * @example Demo investigator, Nanning
             */
            signed_by: string;
            /**
             * Format: uuid
             * @description The `id` of the account that signed.
             */
            signer: string;
            /** @description The signer's role at the time. */
            role: components["schemas"]["Role"];
            /**
             * Format: date-time
             * @description When it was signed, by the service's own clock (21 CFR 11.50(a)(2)).
             */
            signed_at: string;
            /**
             * @description The version that was signed.
             * @example 1
             */
            version: number;
            /** @description False once what was signed has changed: then it has to be signed anew. */
            valid: boolean;
            /**
             * @description The version that it covers: SHA-256, in hexadecimal, over all that the record said.
             * @example 3f0c9b7e2d5a4c1890ab7f6e5d4c3b2a19088f7e6d5c4b3a291807f6e5d4c3b2
             */
            content_hash: string;
        };
        /** @description How complete the records of one site are. */
        SiteCompleteness: {
            /**
             * @description The code of the hospital, as `GET /v1/sites` lists it. Records of a hospital that is not yours do not exist for you.
             * @example NN
             */
            site: string;
            /**
             * @description With a number.
             * @example 84
             */
            subjects: number;
            /**
             * @description Recorded with a date.
             * @example 900
             */
            visits_done: number;
            /**
             * @description Recorded as missed.
             * @example 12
             */
            visits_missed: number;
            /**
             * @description Their window is open.
             * @example 8
             */
            visits_due: number;
            /**
             * @description Their window has closed.
             * @example 5
             */
            visits_overdue: number;
            /**
             * @description Gradings in all, each counted once whatever its versions.
             * @example 870
             */
            gradings: number;
            /**
             * @description In their current version.
             * @example 850
             */
            gradings_signed: number;
            /**
             * @description By an assessor without a certificate on that day.
             * @example 0
             */
            gradings_uncertified: number;
            /**
             * @description By two assessors.
             * @example 90
             */
            visits_graded_twice: number;
            /**
             * @description Visits whose gradings differ and still wait for a decision.
             * @example 2
             */
            adjudications_open: number;
            /**
             * @description Data queries that are not closed.
             * @example 14
             */
            queries_open: number;
            /**
             * @description Their age in days; null without any.
             * @example 6
             */
            query_days_median: number | null;
            /**
             * @description The oldest one's age in days.
             * @example 31
             */
            query_days_oldest: number | null;
            /**
             * @description Compared with their source in their current version.
             * @example 700
             */
            gradings_verified: number;
            /**
             * @description Adverse events that stand, each counted once whatever its versions.
             * @example 77
             */
            adverse_events: number;
            /**
             * @description In their current version.
             * @example 3
             */
            adverse_events_unsigned: number;
            /**
             * @description Whose records are frozen.
             * @example 4
             */
            subjects_frozen: number;
            /**
             * @description Whose records are locked.
             * @example 0
             */
            subjects_locked: number;
        };
        /** @description The figures of one site. */
        SiteFigures: {
            /**
             * @description Subjects who were allocated to an arm.
             * @example 41
             */
            randomized: number;
            /**
             * @description Whose correct stratum, as last recorded, is not the one used.
             * @example 1
             */
            wrong_stratum: number;
            /**
             * @description Who did not meet the criteria, and stay in the trial.
             * @example 1
             */
            ineligible: number;
            /**
             * @description Who are the same person as another subject.
             * @example 2
             */
            duplicate: number;
            /**
             * @description Those of them whose allocation was not the first, so it does not count.
             * @example 1
             */
            duplicate_not_retained: number;
            /**
             * @description Randomized later before radiotherapy than the protocol asks for.
             * @example 3
             */
            late_randomization: number;
            /**
             * @description Whose recorded stratification factor was changed after randomization.
             * @example 1
             */
            stratum_changed: number;
            /**
             * @description The code of the hospital, as `GET /v1/sites` lists it. Records of a hospital that is not yours do not exist for you.
             * @example NN
             */
            site: string;
        };
        /** @description A hospital in words. */
        SiteLabels: {
            /**
             * @description The hospital's name, as a letter would address it.
             * @example 广西医科大学第一附属医院
             */
            name: string;
            /**
             * @description In which town it is, for a short list.
             * @example 南宁
             */
            city: string;
        };
        /** @description The trial's sites in the order of their codes. */
        SiteList: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["SiteRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description Those of one site. */
        SitePairs: {
            /**
             * @description Visits that two assessors graded independently.
             * @example 90
             */
            pairs: number;
            /**
             * @description The share with the same grade; null of none.
             * @example 0.86
             */
            agreeing: number | null;
            /** @description Weighted by the squared distance of grades; null where it is not defined. */
            kappa_quadratic: components["schemas"]["Estimate"] | null;
            /** @description Weighted by their distance; null where it is not defined. */
            kappa_linear: components["schemas"]["Estimate"] | null;
            /**
             * @description Pairs by first (row) and second (column) grade, from the lowest on.
             * @example [
             *       [
             *         30,
             *         2,
             *         0,
             *         0,
             *         0
             *       ],
             *       [
             *         1,
             *         20,
             *         3,
             *         0,
             *         0
             *       ],
             *       [
             *         0,
             *         2,
             *         15,
             *         1,
             *         0
             *       ],
             *       [
             *         0,
             *         0,
             *         1,
             *         9,
             *         1
             *       ],
             *       [
             *         0,
             *         0,
             *         0,
             *         0,
             *         0
             *       ]
             *     ]
             */
            table: number[][];
            /**
             * @description The code of the hospital, as `GET /v1/sites` lists it. Records of a hospital that is not yours do not exist for you.
             * @example NN
             */
            site: string;
        };
        /** @description A hospital of the trial. */
        SiteRead: {
            /**
             * @description The hospital's code, by which records and requests name it.
             * @example NN
             */
            code: string;
            /**
             * @description The hospital's name.
             * @example First Affiliated Hospital of Guangxi Medical University
             */
            name: string;
            /**
             * @description The town in which the hospital is.
             * @example Nanning
             */
            city: string;
            /** @description Whether an ethics approval is on record. */
            recruiting: boolean;
        };
        /** @description One site's inclusions. */
        SiteRecruitment: {
            /**
             * @description The code of the hospital, as `GET /v1/sites` lists it. Records of a hospital that is not yours do not exist for you.
             * @example NN
             */
            site: string;
            /**
             * @description Subjects randomized.
             * @example 41
             */
            included: number;
            /**
             * Format: date
             * @description The first one's day.
             * @example 2026-01-12
             */
            first_on: string | null;
            /**
             * Format: date
             * @description The last one's day.
             * @example 2026-06-30
             */
            last_on: string | null;
        };
        /** @description One page of the stopping rules. */
        StoppingRulePage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["StoppingRuleRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description A rule as the protocol declares it, its boundary, and how it stands. */
        StoppingRuleRead: {
            /**
             * @description Names the rule in the protocol document (`adverse_events.stopping_rules`).
             * @example severe_reactions
             */
            id: string;
            /**
             * @description What it watches.
             * @example Subjects with a related adverse event of grade 4 or 5 in the experimental arm
             */
            label: string;
            /**
             * @description Whose subjects it counts.
             * @example experimental
             */
            arm: string;
            /** @description Which events it counts. */
            counts: components["schemas"]["CountsRead"];
            /**
             * @description A beta prior and a binomial count, exactly.
             * @example beta_binomial
             * @constant
             */
            method: "beta_binomial";
            /** @description What is assumed of the rate beforehand. */
            prior: components["schemas"]["PriorRead"];
            /**
             * @description The rate that is too high above it.
             * @example 0.05
             */
            threshold: number;
            /**
             * @description The probability of a rate above the threshold that reaches the rule.
             * @example 0.9
             */
            certainty: number;
            /**
             * @description Subjects of the arm before whom nothing reaches it.
             * @example 10
             */
            minimum_subjects: number;
            /**
             * @description Where the method is described.
             * @example Thall and Simon, Biometrics 1994, 50, 337
             */
            source: string;
            /**
             * @description The version of the protocol whose rule this is: the one in force.
             * @example 1.0
             */
            protocol_version: string;
            /** @description How many events reach it, for every possible number of subjects. */
            boundary: components["schemas"]["BoundaryStepRead"][];
            /** @description How it stands; null before it was evaluated for the first time. */
            current: components["schemas"]["EvaluationRead"] | null;
        };
        /**
         * @description Why the subject left the study; nothing is observed after that day.
         *
         *     - `consent_withdrawn`: The subject withdrew consent.
         *     - `lost_to_follow_up`: The subject cannot be reached any more.
         *     - `death`: The subject died.
         *     - `physician_decision`: A physician took the subject out of the trial.
         *     - `other`: Another cause; `detail` says which.
         * @enum {string}
         */
        StudyCause: "consent_withdrawn" | "lost_to_follow_up" | "death" | "physician_decision" | "other";
        /** @description When and why the subject left the study. */
        StudyEndRead: {
            /**
             * Format: date
             * @description The local day of the withdrawal, the death, or the last contact.
             * @example 2026-05-11
             */
            on: string;
            /**
             * @description Why the subject left.
             * @example lost_to_follow_up
             */
            cause: components["schemas"]["StudyCause"];
            /**
             * @description What happened, in a sentence or two.
             * @example Burning after each spray, worse from week to week
             */
            detail: string;
        };
        /** @description When and why the subject left the study. */
        StudyEndWrite: {
            /**
             * Format: date
             * @description The local day: of the withdrawal, the death, or the last contact with a subject who is lost.
             * @example 2026-05-11
             */
            on: string;
            /**
             * @description Why; it decides the subject's status: `withdrawn`, `lost_to_follow_up` or `died`.
             * @example lost_to_follow_up
             */
            cause: components["schemas"]["StudyCause"];
            /**
             * @description What happened, in a sentence or two.
             * @example Burning after each spray, worse from week to week
             */
            detail: string;
        };
        /** @description C.5: the trial. */
        StudyIdentification: {
            /** @description C.5.1.r: public registries. */
            registrations: components["schemas"]["Registration"][];
            /**
             * @description C.5.2: name
             * @example A Randomized Controlled Trial
             */
            name: string;
            /**
             * @description C.5.3: sponsor's number
             * @example 2025-K0439
             */
            sponsor_number: string;
            /**
             * @description C.5.4: type of study
             * @example {
             *       "code": "1",
             *       "meaning": "clinical trials"
             *     }
             */
            type: components["schemas"]["Coded"];
        };
        /** @description The trial as its public registry describes it. */
        StudyRead: {
            /**
             * @description The trial's number at ClinicalTrials.gov.
             * @example NCT07312656
             */
            nct_id: string;
            /**
             * @description The sponsor's own number of the trial.
             * @example 2025-K0439
             */
            organisation_study_id: string;
            /**
             * @description The short title in the registry.
             * @example Exosomes for Radiation-Induced Oral Mucositis
             */
            brief_title: string;
            /**
             * @description The full title in the registry.
             * @example Exosomes: A Randomized Controlled Trial
             */
            official_title: string;
            /**
             * @description The phase, in the registry's words.
             * @example PHASE2
             */
            phase: string;
            /**
             * @description Whether it intervenes or observes, in the registry's words.
             * @example INTERVENTIONAL
             */
            study_type: string;
            /**
             * @description How subjects are assigned to arms, in the registry's words.
             * @example RANDOMIZED
             */
            allocation: string;
            /**
             * @description How the arms relate to each other, in the registry's words.
             * @example PARALLEL
             */
            intervention_model: string;
            /**
             * @description Who does not know the arm, in the registry's words. The registry's trial is open label; assessors are kept blind by this service all the same.
             * @example NONE
             */
            masking: string;
            /**
             * @description What is studied.
             * @example [
             *       "Oral Mucositis (Ulcerative) Due to Radiation"
             *     ]
             */
            conditions: string[];
            /**
             * @description Who answers for the trial.
             * @example First Affiliated Hospital of Guangxi Medical University
             */
            sponsor: string;
            /**
             * @description The other organisations that take part.
             * @example [
             *       "LiuZhou People's Hospital"
             *     ]
             */
            collaborators: string[];
            /**
             * @description How many subjects are to be randomized.
             * @example 200
             */
            target_enrolment: number;
            /**
             * @description Year and month.
             * @example 2026-01
             */
            start: string;
            /**
             * @description Year and month.
             * @example 2027-06
             */
            primary_completion: string;
            /**
             * @description Year and month.
             * @example 2028-02
             */
            completion: string;
            /** @description Whether a data monitoring committee watches over the trial. */
            has_dmc: boolean;
            /**
             * @description Clinical dates are local dates there.
             * @example Asia/Shanghai
             */
            time_zone: string;
            /** @description What the trial is to show. */
            primary_outcome: components["schemas"]["Outcome"];
            /** @description What it is to show besides. */
            secondary_outcomes: components["schemas"]["Outcome"][];
            /** @description The groups to which subjects are allocated, in the protocol's order. */
            arms: components["schemas"]["Arm"][];
            /**
             * @description The version of the protocol that is in force.
             * @example 1.0
             */
            protocol_version: string;
        };
        /** @description A person who enters screening. */
        SubjectCreate: {
            /**
             * @description One of the caller's own sites.
             * @example NN
             */
            site: string;
            /**
             * @description The year alone, which the age at consent has to agree with: a full date of birth is refused.
             * @example 1971
             */
            year_of_birth: number;
            /**
             * @description Sex as recorded at birth.
             * @example female
             */
            sex: components["schemas"]["Sex"];
            /**
             * @description Kept as a keyed digest only, to notice the same person at another site.
             * @example TEST0000000000001X
             */
            national_id?: string;
        };
        /** @description Where to go from a subject. */
        SubjectLinks: {
            /**
             * @description Where the subject is read and changed.
             * @example /v1/subjects/019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07
             */
            self: string;
            /**
             * @description The consents that the subject signed.
             * @example /v1/subjects/019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07/consents
             */
            consents: string;
            /**
             * @description The facts of screening and each criterion's verdict.
             * @example /v1/subjects/019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07/eligibility
             */
            eligibility: string;
            /**
             * @description What was planned and delivered.
             * @example /v1/subjects/019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07/radiotherapy
             */
            radiotherapy: string;
            /**
             * @description The allocation; `not_found` before there is one.
             * @example /v1/subjects/019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07/randomization
             */
            randomization: string;
            /**
             * @description The schedule and what took place.
             * @example /v1/subjects/019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07/visits
             */
            visits: string;
            /**
             * @description The study drug taken, day by day.
             * @example /v1/subjects/019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07/exposures
             */
            exposures: string;
            /**
             * @description The end of treatment, and of taking part.
             * @example /v1/subjects/019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07/discontinuation
             */
            discontinuation: string;
            /**
             * @description The primary and the secondary outcome.
             * @example /v1/subjects/019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07/endpoint
             */
            endpoint: string;
            /**
             * @description What happened to the subject's safety.
             * @example /v1/subjects/019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07/adverse-events
             */
            adverse_events: string;
            /**
             * @description Departures from the protocol.
             * @example /v1/subjects/019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07/deviations
             */
            deviations: string;
        };
        /** @description Subjects of the caller's sites in the order of their enrolment. */
        SubjectPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["SubjectRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description A correction, or a change of status by hand. */
        SubjectPatch: {
            /**
             * @description The new status; the moves that a subject may make are few, and the others are refused.
             * @example completed
             */
            status?: components["schemas"]["SettableStatus"];
            /** @description Sex as recorded at birth. */
            sex?: components["schemas"]["Sex"];
            /**
             * @description The year alone: the trial keeps no date of birth.
             * @example 1971
             */
            year_of_birth?: number;
            /**
             * @description Why: 3 to 500 characters, kept in the audit trail beside what changes (ICH E6(R3) 4.2.2).
             * @example All visits done, last contact on the ward
             */
            reason: string;
        };
        /** @description A trial participant, known by number and year of birth only. */
        SubjectRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             */
            id: string;
            /**
             * @description The subject's number in the trial: the site's code and a count, which is all that reports and case reports name the subject by.
             * @example NN-0001
             */
            number: string;
            /**
             * @description The code of the hospital, as `GET /v1/sites` lists it. Records of a hospital that is not yours do not exist for you.
             * @example NN
             */
            site: string;
            /**
             * @description Where the subject stands; most moves follow from what is recorded.
             * @example screening
             */
            status: components["schemas"]["SubjectStatus"];
            /**
             * @description Sex as recorded at birth.
             * @example female
             */
            sex: components["schemas"]["Sex"];
            /**
             * @description The year alone: the trial keeps no date of birth.
             * @example 1971
             */
            year_of_birth: number;
            /**
             * Format: date
             * @description The local day on which the subject left the study: withdrew, was last known of before being lost to follow-up, or died; of several such days the earliest. Null of a subject who failed screening, also after a withdrawal or death.
             * @example null
             */
            left_on: string | null;
            /**
             * Format: date
             * @description The local day of death: the one given as the end of the study, or the one on which the status was set by hand. Null while alive, and where no day was kept.
             * @example null
             */
            died_on: string | null;
            /**
             * Format: date-time
             * @description When it was made, by the service's own clock.
             */
            created_at: string;
            /**
             * @description The version of the protocol that was in force when it was recorded; `GET /v1/protocol-versions/{version}` has the document.
             * @example 1.0
             */
            protocol_version: string;
            /**
             * @description Counts the versions of the record, from 1: every change makes the next one and keeps those before (ICH E6(R3) 4.2.2).
             * @example 1
             */
            version: number;
            /** @description Where to go from here, as paths of this service. */
            links: components["schemas"]["SubjectLinks"];
        };
        /**
         * @description Where a subject stands in the trial.
         *
         *     - `screening`: Being screened; not found eligible yet.
         *     - `screen_failed`: Does not enter the trial.
         *     - `eligible`: An investigator confirmed eligibility; not randomized yet.
         *     - `randomized`: Allocated to an arm; treatment has not begun.
         *     - `on_treatment`: Radiotherapy has begun.
         *     - `in_follow_up`: Radiotherapy is over and visits go on.
         *     - `completed`: Completed the trial.
         *     - `withdrawn`: Left the trial by their own or a physician's decision.
         *     - `lost_to_follow_up`: Cannot be reached any more.
         *     - `died`: Died during the trial.
         * @enum {string}
         */
        SubjectStatus: "screening" | "screen_failed" | "eligible" | "randomized" | "on_treatment" | "in_follow_up" | "completed" | "withdrawn" | "lost_to_follow_up" | "died";
        /**
         * @description Visits of the subjects of your sites, by subject in the order of enrolment, then by day.
         *
         *     A filter that leaves out nearly everything may end a page early: go on as
         *     long as there is a `next_cursor`.
         */
        SubjectVisitPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["SubjectVisitRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description A visit, and whose it is. */
        SubjectVisitRead: {
            /**
             * @description The visit's code in the schedule, unique for the subject.
             * @example RT1A
             */
            code: string;
            /**
             * @description The visit in words, as the protocol names it.
             * @example Radiotherapy week 1, first grading
             */
            label: string;
            /**
             * Format: date
             * @description Null when the visit left the schedule.
             */
            planned_on: string | null;
            /** @description The local days on which it may take place without a flag; null when it left the schedule. */
            window: components["schemas"]["DateRange"] | null;
            /** @description How it stands today. */
            status: components["schemas"]["VisitStatus"];
            /**
             * Format: date
             * @description The local date on which it took place.
             */
            date: string | null;
            /**
             * @description Why it did not take place, in words, for the reader of the record.
             * @example Clinic closed for the holiday
             */
            missed_reason: string | null;
            /** @description What is unusual about the recorded date. */
            flags: components["schemas"]["VisitFlag"][];
            /** @description Whether the protocol asks for a grading. */
            graded: boolean;
            /**
             * @description Whether it took place, the protocol asks for a grading, and you see none of it: `GET …/gradings` is empty. For an assessor, who sees the gradings of others only after their own, it says that they have not graded it, and never whether somebody else has, so that a second grading stays independent; for everybody else, that nobody has. False where none can be recorded any more, as the subject failed screening or had left the study before that day.
             * @example false
             */
            awaits_grading: boolean;
            /**
             * @description Why the record was changed last.
             * @example Wrong date entered
             */
            reason: string | null;
            /**
             * @description 0 before anything is recorded.
             * @example 1
             */
            version: number;
            /**
             * Format: uuid
             * @description The `id` of the subject whom it is about.
             * @example 019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07
             */
            subject_id: string;
            /**
             * @description The subject's number in the trial: the site's code and a count, which is all that reports and case reports name the subject by.
             * @example NN-0001
             */
            number: string;
            /**
             * @description The code of the hospital, as `GET /v1/sites` lists it. Records of a hospital that is not yours do not exist for you.
             * @example NN
             */
            site: string;
        };
        /** @description The record that a case was reported. */
        SubmissionCreate: {
            /**
             * @description Who was told.
             * @example regulator
             */
            recipient: components["schemas"]["Recipient"];
            /**
             * @description `initial`: the first report of the case to this recipient. `follow_up`: more about it. `nullification`: that it is void.
             * @example initial
             */
            kind: components["schemas"]["SubmissionKind"];
            /**
             * Format: date-time
             * @description When it was sent.
             * @example 2026-04-20T08:00:00Z
             */
            submitted_at: string;
            /**
             * @description The version of the event that was sent; if left out, the one that the record held at that moment.
             * @example 1
             */
            event_version?: number;
            /**
             * @description How the recipient acknowledged it: a number or reference, no person's name.
             * @example ACK-2026-004711
             */
            receipt?: string | null;
        };
        /**
         * @description What is sent: the first report of a case, more about it, or that it is void.
         *
         *     - `initial`: The first report of a case to a recipient.
         *     - `follow_up`: More about a case that the recipient knows.
         *     - `nullification`: A case that the recipient was told of is void.
         * @enum {string}
         */
        SubmissionKind: "initial" | "follow_up" | "nullification";
        /** @description Submissions about a case, in the order of recording. */
        SubmissionPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["SubmissionRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description A correction: of when it was sent, of the receipt, or that nothing was sent at all. */
        SubmissionPatch: {
            /**
             * Format: date-time
             * @description When it was sent, corrected.
             */
            submitted_at?: string;
            /**
             * @description How the recipient acknowledged it: a number or reference, no person's name.
             * @example ACK-2026-004711
             */
            receipt?: string | null;
            /**
             * @description It was recorded in error: nothing was sent.
             * @example true
             * @constant
             */
            withdrawn?: true;
            /**
             * @description Why: 3 to 500 characters, kept in the audit trail beside what changes (ICH E6(R3) 4.2.2).
             * @example The receipt arrived
             */
            reason: string;
        };
        /** @description One report of a case to one recipient, in its current version. */
        SubmissionRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             * @example 019c8a5b-02e3-7a4c-8d35-8a7b6c5d4e32
             */
            id: string;
            /**
             * @description How often it was recorded or corrected.
             * @example 1
             */
            version: number;
            /**
             * @description The code of the hospital, as `GET /v1/sites` lists it. Records of a hospital that is not yours do not exist for you.
             * @example NN
             */
            site: string;
            /**
             * Format: uuid
             * @description The `id` of the subject whom it is about.
             * @example 019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07
             */
            subject_id: string;
            /**
             * Format: uuid
             * @description The case: the `id` of its first occurrence.
             * @example 019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19
             */
            case_id: string;
            /**
             * Format: uuid
             * @description The occurrence that was sent.
             * @example 019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19
             */
            event_id: string;
            /**
             * @description The version of it that was sent.
             * @example 1
             */
            event_version: number;
            /**
             * @description Who was told.
             * @example regulator
             */
            recipient: components["schemas"]["Recipient"];
            /**
             * @description What was sent.
             * @example initial
             */
            kind: components["schemas"]["SubmissionKind"];
            /**
             * Format: date-time
             * @description When it was sent: the clock of the deadline stops at this moment.
             * @example 2026-04-20T08:00:00Z
             */
            submitted_at: string;
            /**
             * @description How the recipient acknowledged it; null until then.
             * @example ACK-2026-004711
             */
            receipt: string | null;
            /**
             * @description Whether it was recorded in error; then it meets no deadline.
             * @example false
             */
            withdrawn: boolean;
            /**
             * @description Why it was changed last.
             * @example null
             */
            reason: string | null;
            /**
             * @description The protocol at that time.
             * @example 1.0
             */
            protocol_version: string;
            /**
             * Format: date-time
             * @description When this version was recorded.
             * @example 2026-04-20T08:05:00Z
             */
            recorded_at: string;
        };
        /** @description Terms, the likelier first, and where they are from. */
        TermPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["TermRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
            /**
             * @description What the protocol takes terms from.
             * @example ctcae
             */
            dictionary: string;
            /**
             * @description The version of the dictionary that the protocol follows.
             * @example 5.0
             */
            dictionary_version: string;
            /**
             * @description The version of MedDRA that the codes are of.
             * @example 20.1
             */
            meddra_version: string;
        };
        /** @description A term of the dictionary. */
        TermRead: {
            /**
             * @description The wording to report an adverse event with.
             * @example Nausea
             */
            term: string;
            /**
             * @description Of the lowest level term in MedDRA.
             * @example 10028813
             */
            meddra_code: string;
            /**
             * @description Where MedDRA files the term.
             * @example Gastrointestinal disorders
             */
            system_organ_class: string;
            /**
             * @description The severities that exist for the term.
             * @example [
             *       1,
             *       2,
             *       3
             *     ]
             */
            grades: number[];
            /**
             * @description Whether `term_detail` has to say what it is: «Other, specify».
             * @example false
             */
            needs_detail: boolean;
        };
        /** @description The time to the first severe grade by arm. */
        Times: {
            /** @description Each arm's curves. */
            arms: components["schemas"]["ArmTimes"][];
            /** @description Of the severe grades; leaving censors. */
            log_rank: components["schemas"]["ChiSquareRead"] | null;
        };
        /** @description An access token (RFC 6749 section 5.1). */
        TokenAnswer: {
            /**
             * @description A JWT signed with ES256: send it as `Authorization: Bearer`, and keep it in memory only.
             * @example eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2ln
             */
            access_token: string;
            /**
             * @description How it is sent (RFC 6750).
             * @constant
             */
            token_type: "Bearer";
            /**
             * @description Seconds until it expires.
             * @example 900
             */
            expires_in: number;
            /**
             * @description For people: good for one use.
             * @example 0199.0.bWFj
             */
            refresh_token?: string;
            /**
             * @description The scope given: always `trial`.
             * @example trial
             */
            scope: string;
        };
        /** @description A form as in RFC 6749 sections 4.3.2, 4.4.2 and 6, and RFC 7523 section 2.2. */
        TokenRequest: {
            /**
             * @description `password`, `refresh_token` or `client_credentials`.
             * @example password
             */
            grant_type: string;
            /**
             * @description Of `password`: who signs in.
             * @example investigator-nn
             */
            username?: string | null;
            /**
             * @description Of `password`: what only the person knows. Wrong guesses are slowed down (429).
             * @example sandbox-only
             */
            password?: string | null;
            /**
             * @description The code of the second factor.
             * @example 492039
             */
            totp?: string | null;
            /**
             * @description Of `refresh_token`: the last one given; a second use of it ends the session.
             * @example 0199.0.bWFj
             */
            refresh_token?: string | null;
            /**
             * @description Of `client_credentials`: which system asks; with an assertion it may be left out.
             * @example his-nn
             */
            client_id?: string | null;
            /**
             * @description Of `client_credentials`: the system's secret, here or by HTTP Basic.
             * @example sandbox-only
             */
            client_secret?: string | null;
            /**
             * @description Of `client_credentials` with a key: this very URN (RFC 7523).
             * @example urn:ietf:params:oauth:client-assertion-type:jwt-bearer
             */
            client_assertion_type?: string | null;
            /**
             * @description A JWT of the client: iss and sub are its id, aud is the issuer, jti is new.
             * @example eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.e30.c2ln
             */
            client_assertion?: string | null;
            /**
             * @description `trial`, the only scope there is: the role decides what a token may do.
             * @example trial
             */
            scope?: string | null;
        };
        /** @description The offer's ticket and a code of the new authenticator. */
        TotpConfirmation: {
            /**
             * @description Who asks.
             * @example investigator-nn
             */
            username: string;
            /**
             * @description What the person signs in with until now.
             * @example sandbox-only
             */
            password: string;
            /**
             * @description The offer's `ticket`, unchanged.
             * @example c2VhbGVk
             */
            ticket: string;
            /**
             * @description The six digits that the new authenticator shows now.
             * @example 492039
             */
            totp: string;
        };
        /** @description Signing in needs the authenticator's code from now on. */
        TotpConfirmed: {
            /**
             * Format: date-time
             * @description From when on the code is needed.
             */
            confirmed_at: string;
        };
        /** @description A wish for an authenticator, with a code of the one there is. */
        TotpOffer: {
            /**
             * @description Who asks.
             * @example investigator-nn
             */
            username: string;
            /**
             * @description What the person signs in with until now.
             * @example sandbox-only
             */
            password: string;
            /**
             * @description The six digits that the authenticator shows now (RFC 6238), of who has one.
             * @example 492039
             */
            totp?: string | null;
        };
        /** @description A secret for an authenticator app, as text, as QR code content, and sealed. */
        TotpOfferRead: {
            /**
             * @description What to type into an authenticator that reads no QR code, in Base32.
             * @example JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP
             */
            secret: string;
            /**
             * @description The content of a QR code for the authenticator (otpauth): show it, and send it to nobody.
             * @example otpauth://totp/Trial:investigator-nn?secret=JBSWY3DP&issuer=Trial
             */
            uri: string;
            /**
             * @description To be sent back with the confirmation.
             * @example c2VhbGVk
             */
            ticket: string;
        };
        /**
         * @description JSON, page by page; or one table of all that the filters leave.
         *
         *     - `json`: A page of events for programs.
         *     - `csv`: A table of all events.
         * @enum {string}
         */
        TrailFormat: "json" | "csv";
        /**
         * @description Why the study drug was given up for good; visits and gradings go on.
         *
         *     - `adverse_event`: An adverse event led to giving up the study drug.
         *     - `subject_decision`: The subject did not want the study drug any more.
         *     - `physician_decision`: A physician decided against the study drug.
         *     - `noncompliance`: The study drug was not taken as planned.
         *     - `radiotherapy_stopped`: Radiotherapy was given up.
         *     - `death`: The subject died.
         *     - `other`: Another cause; `detail` says which.
         * @enum {string}
         */
        TreatmentCause: "adverse_event" | "subject_decision" | "physician_decision" | "noncompliance" | "radiotherapy_stopped" | "death" | "other";
        /** @description When and why the study drug was given up. */
        TreatmentEndRead: {
            /**
             * Format: date
             * @description The last local day on which it may have been taken.
             * @example 2026-04-09
             */
            on: string;
            /**
             * @description Why the study drug was given up.
             * @example adverse_event
             */
            cause: components["schemas"]["TreatmentCause"];
            /**
             * @description What happened, in a sentence or two.
             * @example Burning after each spray, worse from week to week
             */
            detail: string;
        };
        /** @description When and why the study drug was given up; the follow-up goes on. */
        TreatmentEndWrite: {
            /**
             * Format: date
             * @description The last local day on which it may have been taken: not before randomization.
             * @example 2026-04-09
             */
            on: string;
            /**
             * @description Why the study drug was given up.
             * @example adverse_event
             */
            cause: components["schemas"]["TreatmentCause"];
            /**
             * @description What happened, in a sentence or two.
             * @example Burning after each spray, worse from week to week
             */
            detail: string;
        };
        /** @description A person, with a password that they must replace within seven days. */
        UserCreate: {
            /**
             * @description The name to sign in with: lower-case letters, digits, point, hyphen, underscore.
             * @example lan.weiming
             */
            username: string;
            /**
             * @description As it stands in signatures.
             * @example Dr Lan Weiming
             */
            name: string;
            /**
             * @description What the person may do: GET /v1/me lists the actions of a role. A site-bound role sees its own hospitals alone.
             * @example investigator
             */
            role: components["schemas"]["PersonRole"];
            /**
             * @description One or more for a site-bound role, none for the others.
             * @example [
             *       "NN"
             *     ]
             */
            sites: string[];
            /**
             * @description Temporary; none that is common.
             * @example wisteria ladder 7 mercury
             */
            password: string;
        };
        /** @description Users, active or not, oldest first. */
        UserPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["UserRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description A change of a user; all but the name ends their sessions. */
        UserPatch: {
            /**
             * @description As it will stand in signatures; those that were made keep the name of then.
             * @example Dr Lan Weiming
             */
            name?: string;
            /**
             * @description The new role. Who becomes an assessor must not have seen an arm in another role.
             * @example coordinator
             */
            role?: components["schemas"]["PersonRole"];
            /**
             * @description The new sites, all of them.
             * @example [
             *       "NN",
             *       "LZ"
             *     ]
             */
            sites?: string[];
            /**
             * @description False: the person signs in no more, and every session ends within a second.
             * @example false
             */
            active?: boolean;
            /**
             * @description Temporary, as at the beginning.
             * @example wisteria ladder 7 mercury
             */
            password?: string;
            /**
             * @description False: forget an authenticator that was lost.
             * @constant
             */
            totp_enrolled?: false;
            /**
             * @description Why: 3 to 500 characters, kept in the audit trail beside what changes (ICH E6(R3) 4.2.2).
             * @example Joined the study team at Nanning on 2026-03-02
             */
            reason: string;
        };
        /** @description A user. */
        UserRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             */
            id: string;
            /**
             * @description The name to sign in with: lower-case letters, digits, point, hyphen, underscore.
             * @example lan.weiming
             */
            username: string;
            /**
             * @description As it stands in signatures from now on.
             * @example Dr Lan Weiming
             */
            name: string;
            /**
             * @description What the person may do.
             * @example investigator
             */
            role: components["schemas"]["Role"];
            /**
             * @description Where the person acts; empty for a role of the whole trial.
             * @example [
             *       "NN"
             *     ]
             */
            sites: string[];
            /** @description Whether the account can be used. Accounts are never deleted: the trail names them. */
            active: boolean;
            /** @description Whether signing in needs an authenticator's code. */
            totp_enrolled: boolean;
            /** @description Whether the password has yet to be replaced. */
            password_temporary: boolean;
            /**
             * Format: date-time
             * @description When it was made, by the service's own clock.
             */
            created_at: string;
            /**
             * @description Counts the versions of the record, from 1: every change makes the next one and keeps those before (ICH E6(R3) 4.2.2).
             * @example 1
             */
            version: number;
            /** @description Where to go from here, as paths of this service. */
            links: components["schemas"]["AccountLinks"];
        };
        /** @description A grading that was compared with its source and agrees with it. */
        VerificationCreate: {
            /**
             * @description The version compared: the grading's current one.
             * @example 1
             */
            version: number;
            /**
             * @description What it was compared with.
             * @example Agrees with the grading sheet in the source file
             */
            note?: string;
        };
        /** @description The verifications of a grading, oldest first. */
        VerificationPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["VerificationRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description A monitor's statement that a version of a grading agrees with its source. */
        VerificationRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             * @example 019c8a54-0b7e-7d11-a3c4-1f2e3d4c5b6a
             */
            id: string;
            /**
             * Format: uuid
             * @description The grading that was compared.
             * @example 019c8a52-9a02-7f4b-8d3e-7c6b5a493827
             */
            grading_id: string;
            /**
             * @description The version that was compared.
             * @example 1
             */
            version: number;
            /**
             * @description Who compared it.
             * @example Qin Yuhan
             */
            name: string;
            /**
             * @description What it was compared with.
             * @example Agrees with the grading sheet in the source file
             */
            note: string | null;
            /**
             * Format: date-time
             * @description When it was written down, by the service's own clock (21 CFR 11.10(e)); what it tells of may be earlier.
             * @example 2026-04-10T02:15:00Z
             */
            recorded_at: string;
        };
        /**
         * @description Whether a grading was compared with its source as it now stands.
         *
         *     - `verified`: The current version was compared with its source.
         *     - `outdated`: The grading was corrected after it had been compared.
         *     - `missing`: The grading was never compared with its source.
         * @enum {string}
         */
        VerificationState: "verified" | "outdated" | "missing";
        /**
         * @description What is unusual about the day of a recorded visit; a flag never refuses it.
         *
         *     The set may grow: pass over a value that you do not know.
         *
         *     - `out_of_window`: The visit took place outside its own window.
         *     - `outside_every_window`: The visit took place in no window of any visit.
         *     - `too_close`: The visit took place too soon after or before another graded one.
         * @enum {string}
         */
        VisitFlag: "out_of_window" | "outside_every_window" | "too_close";
        /** @description Visits of a subject in chronological order. */
        VisitList: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["VisitRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description What happened: the date it took place, or why it was missed. */
        VisitPut: {
            /**
             * Format: date
             * @description The local day on which it took place; leave it out, or null, if it was missed.
             * @example 2026-03-17
             */
            date?: string | null;
            /**
             * @description Why it did not take place, in words, for the reader of the record.
             * @example Clinic closed for the holiday
             */
            missed_reason?: string | null;
            /**
             * @description Why the recorded data changes; required from the second version on.
             * @example Typing error, corrected from the source record
             */
            reason?: string | null;
        };
        /** @description A visit as scheduled and as recorded. */
        VisitRead: {
            /**
             * @description The visit's code in the schedule, unique for the subject.
             * @example RT1A
             */
            code: string;
            /**
             * @description The visit in words, as the protocol names it.
             * @example Radiotherapy week 1, first grading
             */
            label: string;
            /**
             * Format: date
             * @description Null when the visit left the schedule.
             */
            planned_on: string | null;
            /** @description The local days on which it may take place without a flag; null when it left the schedule. */
            window: components["schemas"]["DateRange"] | null;
            /** @description How it stands today. */
            status: components["schemas"]["VisitStatus"];
            /**
             * Format: date
             * @description The local date on which it took place.
             */
            date: string | null;
            /**
             * @description Why it did not take place, in words, for the reader of the record.
             * @example Clinic closed for the holiday
             */
            missed_reason: string | null;
            /** @description What is unusual about the recorded date. */
            flags: components["schemas"]["VisitFlag"][];
            /** @description Whether the protocol asks for a grading. */
            graded: boolean;
            /**
             * @description Whether it took place, the protocol asks for a grading, and you see none of it: `GET …/gradings` is empty. For an assessor, who sees the gradings of others only after their own, it says that they have not graded it, and never whether somebody else has, so that a second grading stays independent; for everybody else, that nobody has. False where none can be recorded any more, as the subject failed screening or had left the study before that day.
             * @example false
             */
            awaits_grading: boolean;
            /**
             * @description Why the record was changed last.
             * @example Wrong date entered
             */
            reason: string | null;
            /**
             * @description 0 before anything is recorded.
             * @example 1
             */
            version: number;
        };
        /**
         * @description How a visit stands today.
         *
         *     - `planned`: The window has not opened yet.
         *     - `due`: The window is open and nothing is recorded.
         *     - `overdue`: The window has closed and nothing is recorded.
         *     - `done`: The visit took place.
         *     - `missed`: The visit did not take place, and why is recorded.
         * @enum {string}
         */
        VisitStatus: "planned" | "due" | "overdue" | "done" | "missed";
        /** @description Where events are to be sent. */
        WebhookCreate: {
            /**
             * @description Where to: https, without credentials.
             * @example https://his.nanning.example/trial-events
             */
            url: string;
            /**
             * @description Events of these sites.
             * @example [
             *       "NN"
             *     ]
             */
            sites: string[];
            /**
             * @description Only these types of events; all of them, also future ones, if left out.
             * @example [
             *       "subject.randomized",
             *       "adverse_event.reported"
             *     ]
             */
            types?: components["schemas"]["EventType"][];
            /**
             * @description Your own note of its purpose.
             * @example Hospital information system
             */
            description?: string;
        };
        /** @description Where the webhook is found. */
        WebhookLinks: {
            /**
             * @description Where the webhook is read and changed.
             * @example /v1/webhooks/019c8a54-0b30-7d44-a3f1-7c6b5a493827
             */
            self: string;
            /**
             * @description What was sent to it, and what is to be.
             * @example /v1/webhooks/019c8a54-0b30-7d44-a3f1-7c6b5a493827/deliveries
             */
            deliveries: string;
        };
        /** @description A webhook with its secret, which is never shown again. */
        WebhookMade: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             * @example 019c8a54-0b30-7d44-a3f1-7c6b5a493827
             */
            id: string;
            /**
             * @description Counts its changes.
             * @example 1
             */
            version: number;
            /**
             * Format: uuid
             * @description The account that made it.
             * @example 019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07
             */
            owner: string;
            /**
             * @description Where events are sent.
             * @example https://his.nanning.example/trial-events
             */
            url: string;
            /**
             * @description Events of these sites.
             * @example [
             *       "NN"
             *     ]
             */
            sites: string[];
            /**
             * @description Only these types; null: all.
             * @example [
             *       "subject.randomized"
             *     ]
             */
            types: string[] | null;
            /**
             * @description The owner's note of its purpose.
             * @example Hospital information system
             */
            description: string | null;
            /**
             * @description Whether events are sent.
             * @example true
             */
            active: boolean;
            /**
             * @description Whether it was made inactive because its receiver answered 410.
             * @example false
             */
            gone: boolean;
            /**
             * Format: date-time
             * @description When it was made, by the service's own clock.
             * @example 2026-04-09T02:15:00Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it was ended for good; null while it was not.
             * @example null
             */
            ended_at: string | null;
            /** @description Where it is found. */
            links: components["schemas"]["WebhookLinks"];
            /**
             * @description Verifies what is sent: keep it where passwords are kept.
             * @example whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwGz3r0vWQd1E=
             */
            secret: string;
        };
        /** @description Webhooks, active or not, oldest first. */
        WebhookPage: {
            /** @description The rows of this page, in the order that the list has. */
            items: components["schemas"]["WebhookRead"][];
            /**
             * @description Give it back as `cursor` for the next page; null on the last one.
             * @example AZq_AMDecACAAAAAAAAAAA
             */
            next_cursor: string | null;
        };
        /** @description A change of a webhook; a new address is tried at once. */
        WebhookPatch: {
            /**
             * @description The new address: https, without credentials.
             * @example https://his.nanning.example/trial-events
             */
            url?: string;
            /**
             * @description Events of these sites.
             * @example [
             *       "NN"
             *     ]
             */
            sites?: string[];
            /**
             * @description Only these types; null: all of them.
             * @example [
             *       "subject.randomized"
             *     ]
             */
            types?: components["schemas"]["EventType"][] | null;
            /**
             * @description Your own note of its purpose; null takes it away.
             * @example Hospital information system
             */
            description?: string | null;
            /**
             * @description False: nothing is sent. What happens meanwhile is read from the feed.
             * @example true
             */
            active?: boolean;
            /**
             * @description Why it changes.
             * @example The receiver moved to a new address
             */
            reason: string;
        };
        /** @description A webhook. */
        WebhookRead: {
            /**
             * Format: uuid
             * @description Names this record for good: a UUIDv7, so ids rise in the order of making.
             * @example 019c8a54-0b30-7d44-a3f1-7c6b5a493827
             */
            id: string;
            /**
             * @description Counts its changes.
             * @example 1
             */
            version: number;
            /**
             * Format: uuid
             * @description The account that made it.
             * @example 019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07
             */
            owner: string;
            /**
             * @description Where events are sent.
             * @example https://his.nanning.example/trial-events
             */
            url: string;
            /**
             * @description Events of these sites.
             * @example [
             *       "NN"
             *     ]
             */
            sites: string[];
            /**
             * @description Only these types; null: all.
             * @example [
             *       "subject.randomized"
             *     ]
             */
            types: string[] | null;
            /**
             * @description The owner's note of its purpose.
             * @example Hospital information system
             */
            description: string | null;
            /**
             * @description Whether events are sent.
             * @example true
             */
            active: boolean;
            /**
             * @description Whether it was made inactive because its receiver answered 410.
             * @example false
             */
            gone: boolean;
            /**
             * Format: date-time
             * @description When it was made, by the service's own clock.
             * @example 2026-04-09T02:15:00Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it was ended for good; null while it was not.
             * @example null
             */
            ended_at: string | null;
            /** @description Where it is found. */
            links: components["schemas"]["WebhookLinks"];
        };
        /** @description The subject's withdrawal of consent, which ends their part in the trial. */
        WithdrawalCreate: {
            /**
             * Format: date
             * @description The local day on which the subject withdrew: from then on nothing is observed any more, and what was recorded before stays.
             * @example 2026-05-11
             */
            withdrawn_on: string;
            /**
             * @description Why: 3 to 500 characters, kept in the audit trail beside what changes (ICH E6(R3) 4.2.2).
             * @example Does not want to travel to the hospital any more
             */
            reason: string;
        };
        /** @description When and why a consent was withdrawn. */
        WithdrawalRead: {
            /**
             * Format: date
             * @description The local day on which the subject withdrew: from then on nothing is observed any more, and what was recorded before stays.
             */
            withdrawn_on: string;
            /**
             * @description Why, in the subject's own sense; a subject need give no reason.
             * @example Does not want to travel to the hospital any more
             */
            reason: string;
            /**
             * Format: date-time
             * @description When it was written down, by the service's own clock (21 CFR 11.10(e)); what it tells of may be earlier.
             */
            recorded_at: string;
        };
        /**
         * @description E2B(R3) says yes or gives a reason for saying nothing; it has no «no».
         * @constant
         */
        Yes: true;
        /** @description True, or why it is not said. */
        YesOrMissing: components["schemas"]["Yes"] | components["schemas"]["Missing"];
        /** @description One thing that is wrong: where (RFC 6901 pointer), a code for programs, a text for people. */
        FieldError: {
            /**
             * @description Where: an RFC 6901 pointer into the body, or `/query/…`, `/header/…`, `/path/…`.
             * @example /grade
             */
            pointer: string;
            /**
             * @description What is wrong, for programs; the set may grow.
             * @example less_than_equal
             */
            code: string;
            /**
             * @description What is wrong, for people, in the language of Content-Language. It never repeats what was sent.
             * @example Input should be less than or equal to 4
             */
            detail: string;
        };
        /** @description RFC 9457 problem details. It never repeats a value that was sent. */
        Problem: {
            /**
             * @description A page that explains it.
             * @example /problems/not_ready
             */
            type: string;
            /**
             * @description What the problem is, the same each time.
             * @example The subject cannot be randomized yet
             */
            title: string;
            /**
             * @description The HTTP status, again.
             * @example 409
             */
            status: number;
            /**
             * @description What to do next.
             * @example Mend each item of errors, then send the same request again.
             */
            detail: string;
            /**
             * @description The request's X-Request-Id.
             * @example 019abf00c0de7000800000000000abcd
             */
            instance: string;
            /** @description Each thing that is wrong; absent where one text says it all. */
            errors?: components["schemas"]["FieldError"][] | null;
        } & {
            [key: string]: unknown;
        };
        /** @description An event as a webhook tells it: what the feed says, without type and time. */
        EventData: {
            /**
             * Format: uuid
             * @description The event, as the feed names it: the same as `webhook-id`.
             * @example 019c8a53-2f10-7b11-8c42-0d9e8f7a6b5c
             */
            id: string;
            /**
             * @description Where; null for what concerns the whole trial.
             * @example NN
             */
            site: string | null;
            /**
             * Format: uuid
             * @description Whom it is about; null where it is about nobody.
             * @example 019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07
             */
            subject_id: string | null;
            /** @description What happened to: read it by its link. */
            record: components["schemas"]["RecordRef"];
            /** @description Where to read more, with your own token. */
            links: components["schemas"]["EventLinks"];
        };
        /** @description What a webhook sends when something happened (Standard Webhooks). */
        EventMessage: {
            /**
             * @description What happened; the set may grow.
             * @example subject.randomized
             */
            type: components["schemas"]["EventType"];
            /**
             * Format: date-time
             * @description When it was told: the feed's `at`.
             * @example 2026-04-09T02:15:00Z
             */
            timestamp: string;
            /** @description The event itself, without clinical values. */
            data: components["schemas"]["EventData"];
        };
        /** @description Nothing: a trial tells of no event. */
        NoData: Record<string, never>;
        /** @description What tries an address before it is kept. */
        PingMessage: {
            /**
             * @description Only this: it tells of no event.
             * @constant
             */
            type: "webhook.ping";
            /**
             * Format: date-time
             * @description When it was sent.
             * @example 2026-04-09T02:15:00Z
             */
            timestamp: string;
            /** @description An empty object. */
            data: components["schemas"]["NoData"];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    list_subjects: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /**
                 * @description Only this site.
                 * @example NN
                 */
                site?: string;
                /** @description Only in this status. */
                status?: components["schemas"]["SubjectStatus"];
                /** @description The subject with this number. */
                number?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Subjects of the caller's sites in the order of their enrolment. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SubjectPage"];
                };
            };
        };
    };
    create_subject: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SubjectCreate"];
            };
        };
        responses: {
            /** @description A trial participant, known by number and year of birth only. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SubjectRead"];
                };
            };
        };
    };
    read_subject: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A trial participant, known by number and year of birth only. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SubjectRead"];
                };
            };
        };
    };
    change_subject: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of the version you read; a record not yet made has version 0.
                 * @example "1"
                 */
                "If-Match": string;
            };
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/merge-patch+json": components["schemas"]["SubjectPatch"];
            };
        };
        responses: {
            /** @description A trial participant, known by number and year of birth only. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SubjectRead"];
                };
            };
        };
    };
    list_consents: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Consents of a subject, oldest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsentPage"];
                };
            };
        };
    };
    record_consent: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConsentCreate"];
            };
        };
        responses: {
            /** @description A signed consent. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsentRead"];
                };
            };
        };
    };
    withdraw_consent: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
                /**
                 * @description The consent's `id`, of that subject.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000e
                 */
                consent_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WithdrawalCreate"];
            };
        };
        responses: {
            /** @description A signed consent. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsentRead"];
                };
            };
        };
    };
    issue_token: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-www-form-urlencoded": components["schemas"]["TokenRequest"];
            };
        };
        responses: {
            /** @description An access token (RFC 6749 section 5.1). */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenAnswer"];
                };
            };
        };
    };
    revoke_token: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-www-form-urlencoded": components["schemas"]["Revocation"];
            };
        };
        responses: {
            /** @description The token is of no use any more. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Revoked"];
                };
            };
        };
    };
    change_password: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordChange"];
            };
        };
        responses: {
            /** @description The new password holds, and every session before it is over. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PasswordChanged"];
                };
            };
        };
    };
    offer_totp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TotpOffer"];
            };
        };
        responses: {
            /** @description A secret for an authenticator app, as text, as QR code content, and sealed. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TotpOfferRead"];
                };
            };
        };
    };
    confirm_totp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TotpConfirmation"];
            };
        };
        responses: {
            /** @description Signing in needs the authenticator's code from now on. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TotpConfirmed"];
                };
            };
        };
    };
    read_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The caller, their sites and what they may do. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
        };
    };
    read_keys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description RFC 7517: the public keys that verify our tokens. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JsonWebKeySet"];
                };
            };
        };
    };
    read_authorization_server: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description RFC 8414 metadata. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuthorizationServer"];
                };
            };
        };
    };
    list_users: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only this role. */
                role?: components["schemas"]["Role"];
                /** @description Only who acts at this site. */
                site?: string;
                /** @description Only active ones, or only the others. */
                active?: boolean;
                /**
                 * @description The user with this name.
                 * @example lan.weiming
                 */
                username?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Users, active or not, oldest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserPage"];
                };
            };
        };
    };
    create_user: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserCreate"];
            };
        };
        responses: {
            /** @description A user. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserRead"];
                };
            };
        };
    };
    read_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The user's `id`, not the username.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000003
                 */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A user. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserRead"];
                };
            };
        };
    };
    change_user: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of the version you read; a record not yet made has version 0.
                 * @example "1"
                 */
                "If-Match": string;
            };
            path: {
                /**
                 * @description The user's `id`, not the username.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000003
                 */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/merge-patch+json": components["schemas"]["UserPatch"];
            };
        };
        responses: {
            /** @description A user. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserRead"];
                };
            };
        };
    };
    list_clients: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only who acts at this site. */
                site?: string;
                /** @description Only active ones, or only the others. */
                active?: boolean;
                /**
                 * @description The client with this id.
                 * @example his-nanning
                 */
                client_id?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Clients, active or not, oldest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClientPage"];
                };
            };
        };
    };
    create_client: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ClientCreate"];
            };
        };
        responses: {
            /** @description A machine client. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClientRead"];
                };
            };
        };
    };
    read_client: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The client's `id`, not its `client_id`.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000006
                 */
                account_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A machine client. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClientRead"];
                };
            };
        };
    };
    change_client: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of the version you read; a record not yet made has version 0.
                 * @example "1"
                 */
                "If-Match": string;
            };
            path: {
                /**
                 * @description The client's `id`, not its `client_id`.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000006
                 */
                account_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/merge-patch+json": components["schemas"]["ClientPatch"];
            };
        };
        responses: {
            /** @description A machine client. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClientRead"];
                };
            };
        };
    };
    list_certificates: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /**
                 * @description Only this account's.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000003
                 */
                assessor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Certificates in the order in which they were first recorded. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CertificatePage"];
                };
            };
        };
    };
    record_certificate: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CertificateCreate"];
            };
        };
        responses: {
            /** @description A certificate in one version. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CertificateRead"];
                };
            };
        };
    };
    read_certificate: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The certificate's `id`, as the list gives it.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000004
                 */
                certificate_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A certificate in one version. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CertificateRead"];
                };
            };
        };
    };
    change_certificate: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of the version you read; a record not yet made has version 0.
                 * @example "1"
                 */
                "If-Match": string;
            };
            path: {
                /**
                 * @description The certificate's `id`, as the list gives it.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000004
                 */
                certificate_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/merge-patch+json": components["schemas"]["CertificatePatch"];
            };
        };
        responses: {
            /** @description A certificate in one version. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CertificateRead"];
                };
            };
        };
    };
    read_study: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The trial as its public registry describes it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StudyRead"];
                };
            };
        };
    };
    list_sites: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The trial's sites in the order of their codes. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SiteList"];
                };
            };
        };
    };
    read_site: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The hospital's code, as the list gives it.
                 * @example NN
                 */
                code: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A hospital of the trial. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SiteRead"];
                };
            };
        };
    };
    list_protocol_versions: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Published versions, oldest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProtocolVersionList"];
                };
            };
        };
    };
    read_protocol_version: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The version, as records name it.
                 * @example 1.0
                 */
                version: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A protocol version with its whole document and the rulings it rests on. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProtocolVersionRead"];
                };
            };
        };
    };
    list_activations: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /**
                 * @description The hospital's code, as the list gives it.
                 * @example NN
                 */
                code: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Activations of a site, oldest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActivationPage"];
                };
            };
        };
    };
    activate_site: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description The hospital's code, as the list gives it.
                 * @example NN
                 */
                code: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ActivationCreate"];
            };
        };
        responses: {
            /** @description A recorded ethics approval. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActivationRead"];
                };
            };
        };
    };
    list_all_deviations: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only this site. */
                site?: string;
                /** @description Only of this kind. */
                code?: components["schemas"]["DeviationCode"];
                /** @description Only reported by people, or only noticed by the service. */
                source?: components["schemas"]["DeviationSource"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deviations in the order of their recording. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeviationPage"];
                };
            };
        };
    };
    list_deviations: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deviations in the order of their recording. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeviationPage"];
                };
            };
        };
    };
    report_deviation: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeviationCreate"];
            };
        };
        responses: {
            /** @description A protocol deviation. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeviationRead"];
                };
            };
        };
    };
    read_radiotherapy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Radiotherapy as planned and delivered; everything is null before it is recorded. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RadiotherapyRead"];
                };
            };
        };
    };
    record_radiotherapy: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of the version you read; a record not yet made has version 0.
                 * @example "0"
                 */
                "If-Match": string;
            };
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RadiotherapyPut"];
            };
        };
        responses: {
            /** @description Radiotherapy as planned and delivered; everything is null before it is recorded. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RadiotherapyRead"];
                };
            };
        };
    };
    read_eligibility: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The facts, each criterion's verdict and the overall one. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EligibilityRead"];
                };
            };
        };
    };
    record_eligibility: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of the version you read; a record not yet made has version 0.
                 * @example "0"
                 */
                "If-Match": string;
            };
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EligibilityPut"];
            };
        };
        responses: {
            /** @description The facts, each criterion's verdict and the overall one. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EligibilityRead"];
                };
            };
        };
    };
    sign_eligibility: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EligibilitySignatureCreate"];
            };
        };
        responses: {
            /** @description A signature on one evaluation; new facts void it, facts that grow stale do not. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EligibilitySignatureRead"];
                };
            };
        };
    };
    read_randomization: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A subject's allocation. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RandomizationRead"];
                };
            };
        };
    };
    randomize: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A subject's allocation. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RandomizationRead"];
                };
            };
        };
    };
    list_randomizations: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only this site. */
                site?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Allocations at the caller's sites, oldest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RandomizationPage"];
                };
            };
        };
    };
    read_commitment: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was published of the randomization list before the first allocation. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CommitmentRead"];
                };
            };
        };
    };
    read_proof: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What shows, with the published commitment alone, that an allocation is the list's. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProofRead"];
                };
            };
        };
    };
    list_proofs: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Proofs of the allocations so far, in the order of the subjects' randomization. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProofPage"];
                };
            };
        };
    };
    list_subject_corrections: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Errors made in randomization, in the order in which they were recorded. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CorrectionPage"];
                };
            };
        };
    };
    record_correction: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CorrectionCreate"];
            };
        };
        responses: {
            /** @description An error made in randomization; the allocation stands as it was drawn. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CorrectionRead"];
                };
            };
        };
    };
    list_corrections: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only this site. */
                site?: string;
                /** @description Only this kind. */
                kind?: components["schemas"]["CorrectionKind"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Errors made in randomization, in the order in which they were recorded. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CorrectionPage"];
                };
            };
        };
    };
    list_all_visits: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /**
                 * @description Only this site.
                 * @example NN
                 */
                site?: string;
                /** @description Only in one of these; give it once for each. */
                status?: components["schemas"]["VisitStatus"][];
                /**
                 * @description Only those that await a grading, or only others: of an assessor, one of their own.
                 * @example true
                 */
                awaits_grading?: boolean;
                /** @description Only planned on this day or later. */
                from?: string;
                /** @description Only planned on this day or earlier. */
                to?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /**
             * @description Visits of the subjects of your sites, by subject in the order of enrolment, then by day.
             *
             *     A filter that leaves out nearly everything may end a page early: go on as
             *     long as there is a `next_cursor`.
             */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SubjectVisitPage"];
                };
            };
        };
    };
    list_visits: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Visits of a subject in chronological order. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VisitList"];
                };
            };
        };
    };
    read_visit: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
                /**
                 * @description The visit's code in the schedule.
                 * @example RT1A
                 */
                code: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A visit as scheduled and as recorded. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VisitRead"];
                };
            };
        };
    };
    record_visit: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of the version you read; a record not yet made has version 0.
                 * @example "0"
                 */
                "If-Match": string;
            };
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
                /**
                 * @description The visit's code in the schedule.
                 * @example RT1A
                 */
                code: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["VisitPut"];
            };
        };
        responses: {
            /** @description A visit as scheduled and as recorded. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VisitRead"];
                };
            };
        };
    };
    list_exposures: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The study drug of a subject, in the order of recording. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExposurePage"];
                };
            };
        };
    };
    record_exposure: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ExposureCreate"];
            };
        };
        responses: {
            /** @description The study drug of one local day, in its current version. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExposureRead"];
                };
            };
        };
    };
    read_exposure: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The exposure's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000011
                 */
                exposure_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The study drug of one local day, in its current version. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExposureRead"];
                };
            };
        };
    };
    correct_exposure: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of the version you read; a record not yet made has version 0.
                 * @example "1"
                 */
                "If-Match": string;
            };
            path: {
                /**
                 * @description The exposure's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000011
                 */
                exposure_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/merge-patch+json": components["schemas"]["ExposurePatch"];
            };
        };
        responses: {
            /** @description The study drug of one local day, in its current version. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExposureRead"];
                };
            };
        };
    };
    read_discontinuation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was discontinued; treatment and study are null as long as they go on. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DiscontinuationRead"];
                };
            };
        };
    };
    record_discontinuation: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of the version you read; a record not yet made has version 0.
                 * @example "0"
                 */
                "If-Match": string;
            };
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DiscontinuationPut"];
            };
        };
        responses: {
            /** @description What was discontinued; treatment and study are null as long as they go on. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DiscontinuationRead"];
                };
            };
        };
    };
    list_gradings: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
                /**
                 * @description The visit's code in the schedule.
                 * @example RT1A
                 */
                code: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Gradings in the order of their making. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GradingPage"];
                };
            };
        };
    };
    create_grading: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
                /**
                 * @description The visit's code in the schedule.
                 * @example RT1A
                 */
                code: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GradingCreate"];
            };
        };
        responses: {
            /** @description One version of a grading. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GradingRead"];
                };
            };
        };
    };
    read_grading: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The grading's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000012
                 */
                grading_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One version of a grading. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GradingRead"];
                };
            };
        };
    };
    correct_grading: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of the version you read; a record not yet made has version 0.
                 * @example "1"
                 */
                "If-Match": string;
            };
            path: {
                /**
                 * @description The grading's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000012
                 */
                grading_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/merge-patch+json": components["schemas"]["GradingPatch"];
            };
        };
        responses: {
            /** @description One version of a grading. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GradingRead"];
                };
            };
        };
    };
    list_grading_versions: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /**
                 * @description The grading's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000012
                 */
                grading_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Gradings in the order of their making. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GradingPage"];
                };
            };
        };
    };
    sign_grading: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description The grading's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000012
                 */
                grading_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignatureCreate"];
            };
        };
        responses: {
            /** @description A signature on one version of a record. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignatureRead"];
                };
            };
        };
    };
    list_adjudications: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only this site. */
                site?: string;
                /** @description Only this subject. */
                subject_id?: string;
                /** @description Only open or only decided ones. */
                status?: components["schemas"]["AdjudicationStatus"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Adjudications in the order in which they were opened. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdjudicationPage"];
                };
            };
        };
    };
    read_adjudication: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The adjudication's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000017
                 */
                adjudication_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A visit whose gradings differ, and what was decided about it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdjudicationRead"];
                };
            };
        };
    };
    decide_adjudication: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of the version you read; a record not yet made has version 0.
                 * @example "1"
                 */
                "If-Match": string;
            };
            path: {
                /**
                 * @description The adjudication's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000017
                 */
                adjudication_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/merge-patch+json": components["schemas"]["AdjudicationPatch"];
            };
        };
        responses: {
            /** @description A visit whose gradings differ, and what was decided about it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdjudicationRead"];
                };
            };
        };
    };
    read_endpoint: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A subject's primary and secondary outcome and the measures derived with them. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndpointRead"];
                };
            };
        };
    };
    list_subject_adverse_events: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Adverse events in the order of their reporting. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdverseEventPage"];
                };
            };
        };
    };
    report_adverse_event: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AdverseEventCreate"];
            };
        };
        responses: {
            /** @description One version of an adverse event. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdverseEventRead"];
                };
            };
        };
    };
    list_adverse_events: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only this site. */
                site?: string;
                /**
                 * @description Only serious ones, or only others.
                 * @example true
                 */
                serious?: boolean;
                /** @description Only this severity. */
                grade?: number;
                /** @description Only this term of CTCAE, in its wording. */
                term?: string;
                /** @description Only the occurrences of this case. */
                case_id?: string;
                /** @description Only nullified ones, or only those that stand. */
                nullified?: boolean;
                /** @description Only those that the study drug may have caused, or only others. */
                suspected?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Adverse events in the order of their reporting. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdverseEventPage"];
                };
            };
        };
    };
    read_adverse_event: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The adverse event's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000001b
                 */
                event_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One version of an adverse event. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdverseEventRead"];
                };
            };
        };
    };
    correct_adverse_event: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of the version you read; a record not yet made has version 0.
                 * @example "1"
                 */
                "If-Match": string;
            };
            path: {
                /**
                 * @description The adverse event's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000001b
                 */
                event_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/merge-patch+json": components["schemas"]["AdverseEventPatch"];
            };
        };
        responses: {
            /** @description One version of an adverse event. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdverseEventRead"];
                };
            };
        };
    };
    list_adverse_event_versions: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /**
                 * @description The adverse event's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000001b
                 */
                event_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Adverse events in the order of their reporting. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdverseEventPage"];
                };
            };
        };
    };
    sign_adverse_event: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description The adverse event's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000001b
                 */
                event_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignatureCreate"];
            };
        };
        responses: {
            /** @description A signature on one version of a record. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignatureRead"];
                };
            };
        };
    };
    read_case_report: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The adverse event's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000001b
                 */
                event_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The individual case safety report of a SUSAR: all that the message in XML holds. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CaseReport"];
                    "application/xml": string;
                };
            };
        };
    };
    list_deadlines: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only in these states. */
                state?: components["schemas"]["DeadlineState"][];
                /** @description Only those that are overdue or were so when they were met or lapsed, or only others. */
                late?: boolean;
                /** @description Only this site. */
                site?: string;
                /**
                 * @description Only about this subject.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id?: string;
                /** @description Only about this case. */
                case_id?: string;
                /** @description Only those that this occurrence started. */
                event_id?: string;
                /** @description Only those owed to this recipient. */
                recipient?: components["schemas"]["Recipient"];
                /** @description Only of this clock. */
                clock?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deadlines in the order of their opening, or the versions of one, oldest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadlinePage"];
                };
            };
        };
    };
    read_deadline: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The deadline's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000020
                 */
                deadline_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One report that is owed to one recipient, and where it stands. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadlineRead"];
                };
            };
        };
    };
    list_deadline_versions: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /**
                 * @description The deadline's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000020
                 */
                deadline_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deadlines in the order of their opening, or the versions of one, oldest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadlinePage"];
                };
            };
        };
    };
    list_submissions: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /**
                 * @description The adverse event's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000001b
                 */
                event_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Submissions about a case, in the order of recording. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SubmissionPage"];
                };
            };
        };
    };
    record_submission: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description The adverse event's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000001b
                 */
                event_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SubmissionCreate"];
            };
        };
        responses: {
            /** @description One report of a case to one recipient, in its current version. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SubmissionRead"];
                };
            };
        };
    };
    read_submission: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The adverse event's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000001b
                 */
                event_id: string;
                /**
                 * @description The submission's `id`, of that event's case.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000022
                 */
                submission_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One report of a case to one recipient, in its current version. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SubmissionRead"];
                };
            };
        };
    };
    correct_submission: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of the version you read; a record not yet made has version 0.
                 * @example "1"
                 */
                "If-Match": string;
            };
            path: {
                /**
                 * @description The adverse event's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000001b
                 */
                event_id: string;
                /**
                 * @description The submission's `id`, of that event's case.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000022
                 */
                submission_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/merge-patch+json": components["schemas"]["SubmissionPatch"];
            };
        };
        responses: {
            /** @description One report of a case to one recipient, in its current version. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SubmissionRead"];
                };
            };
        };
    };
    list_stopping_rules: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of the stopping rules. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StoppingRulePage"];
                };
            };
        };
    };
    list_stopping_evaluations: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /**
                 * @description The rule's `id` in the protocol.
                 * @example severe_reactions
                 */
                rule_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of a rule's evaluations. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EvaluationPage"];
                };
            };
        };
    };
    list_terms: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /**
                 * @description What somebody has typed of a term, or of its MedDRA code; all terms without.
                 * @example naus
                 */
                q?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Terms, the likelier first, and where they are from. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TermPage"];
                };
            };
        };
    };
    read_labels: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /**
             * @description Every text that a front-end shows, in one language.
             *
             *     Terms of adverse events are not among them: CTCAE stays in English, of
             *     which there is no translation that may be given away.
             */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LabelsRead"];
                };
            };
        };
    };
    list_reference_documents: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Reference documents in the order of their publication. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReferenceDocumentPage"];
                };
            };
        };
    };
    publish_reference_document: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReferenceDocumentCreate"];
            };
        };
        responses: {
            /** @description A version of the reference safety information, which never changes. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReferenceDocumentRead"];
                };
            };
        };
    };
    read_reference_document: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description What the document calls its version.
                 * @example 2.0
                 */
                version: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A version of the reference safety information, which never changes. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReferenceDocumentRead"];
                };
            };
        };
    };
    list_queries: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only this site. */
                site?: string;
                /** @description Only this status. */
                status?: components["schemas"]["QueryStatus"];
                /** @description Only this subject. */
                subject_id?: string;
                /**
                 * @description Only about this kind of record.
                 * @example visit
                 */
                record?: components["schemas"]["RecordKind"];
                /** @description Only people's, or only the service's. */
                origin?: components["schemas"]["QueryOrigin"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Data queries, in the order in which they were raised. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueryPage"];
                };
            };
        };
    };
    raise_query: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["QueryCreate"];
            };
        };
        responses: {
            /** @description A data query with its whole conversation. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueryRead"];
                };
            };
        };
    };
    read_query: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The query's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000019
                 */
                query_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A data query with its whole conversation. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueryRead"];
                };
            };
        };
    };
    change_query: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of the version you read; a record not yet made has version 0.
                 * @example "1"
                 */
                "If-Match": string;
            };
            path: {
                /**
                 * @description The query's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000019
                 */
                query_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/merge-patch+json": components["schemas"]["QueryPatch"];
            };
        };
        responses: {
            /** @description A data query with its whole conversation. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueryRead"];
                };
            };
        };
    };
    list_grading_verifications: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /**
                 * @description The grading's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000012
                 */
                grading_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The verifications of a grading, oldest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VerificationPage"];
                };
            };
        };
    };
    verify_grading: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description The grading's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000012
                 */
                grading_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["VerificationCreate"];
            };
        };
        responses: {
            /** @description A monitor's statement that a version of a grading agrees with its source. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VerificationRead"];
                };
            };
        };
    };
    list_verifications: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only this site. */
                site?: string;
                /** @description Only this state. */
                state?: components["schemas"]["VerificationState"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Gradings in the order of their making, each with its state of verification. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GradingToVerifyPage"];
                };
            };
        };
    };
    read_subject_lock: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What may be written, since when, by whose decision and why. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LockRead"];
                };
            };
        };
    };
    set_subject_lock: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of the version you read; a record not yet made has version 0.
                 * @example "0"
                 */
                "If-Match": string;
            };
            path: {
                /**
                 * @description The subject's `id`; one of another site does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000d
                 */
                subject_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LockPut"];
            };
        };
        responses: {
            /** @description What may be written, since when, by whose decision and why. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LockRead"];
                };
            };
        };
    };
    read_study_lock: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What may be written, since when, by whose decision and why. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LockRead"];
                };
            };
        };
    };
    set_study_lock: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of the version you read; a record not yet made has version 0.
                 * @example "0"
                 */
                "If-Match": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LockPut"];
            };
        };
        responses: {
            /** @description What may be written, since when, by whose decision and why. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LockRead"];
                };
            };
        };
    };
    read_randomization_report: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Randomization and its errors at the caller's sites, and in all of them together. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RandomizationReport"];
                };
            };
        };
    };
    read_recruitment_report: {
        parameters: {
            query?: {
                /** @description `html` is one page that loads nothing else; `pdf` is for print. */
                format?: components["schemas"]["ReportFormat"];
                /** @description One of your sites; without it, all of them. */
                site?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Inclusions against the target, by site and week. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Recruitment"];
                    "text/html": string;
                    "application/pdf": string;
                };
            };
        };
    };
    read_consort_report: {
        parameters: {
            query?: {
                /** @description `html` is one page that loads nothing else; `pdf` is for print. */
                format?: components["schemas"]["ReportFormat"];
                /** @description One of your sites; without it, all of them. */
                site?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The flow of subjects through the trial, all arms together. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Consort"];
                    "text/html": string;
                    "application/pdf": string;
                };
            };
        };
    };
    read_completeness_report: {
        parameters: {
            query?: {
                /** @description `html` is one page that loads nothing else; `pdf` is for print. */
                format?: components["schemas"]["ReportFormat"];
                /** @description One of your sites; without it, all of them. */
                site?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How complete the records are, by site. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Completeness"];
                    "text/html": string;
                    "application/pdf": string;
                };
            };
        };
    };
    read_agreement_report: {
        parameters: {
            query?: {
                /** @description `html` is one page that loads nothing else; `pdf` is for print. */
                format?: components["schemas"]["ReportFormat"];
                /** @description One of your sites; without it, all of them. */
                site?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Agreement of independent gradings, blind to arm. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Agreement"];
                    "text/html": string;
                    "application/pdf": string;
                };
            };
        };
    };
    read_endpoints_report: {
        parameters: {
            query?: {
                /** @description `html` is one page that loads nothing else; `pdf` is for print. */
                format?: components["schemas"]["ReportFormat"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The endpoints by arm, of the intention-to-treat set. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Endpoints"];
                    "text/html": string;
                    "application/pdf": string;
                };
            };
        };
    };
    read_safety_report: {
        parameters: {
            query?: {
                /** @description `html` is one page that loads nothing else; `pdf` is for print. */
                format?: components["schemas"]["ReportFormat"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Adverse events by arm, of the intention-to-treat set. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SafetyByArm"];
                    "text/html": string;
                    "application/pdf": string;
                };
            };
        };
    };
    read_export: {
        parameters: {
            query?: {
                /** @description The version of the standard, of `odm` only: `1.3.2` or `2.0`. */
                version?: string;
                /** @description One file of `csv` or one dataset of `dataset-json`, instead of all as an archive. */
                dataset?: string;
            };
            header?: never;
            path: {
                /** @description The format, by its name: `csv`, `dataset-json`, `fhir`, `odm`, `registry`. */
                format: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The export. It begins before its end is made: an answer that is cut off failed, and is no part to use. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/zip": string;
                    "text/csv": string;
                    "application/json": string;
                    "application/x-ndjson": string;
                    "application/fhir+json": string;
                    "application/fhir+ndjson": string;
                    "application/xml": string;
                };
            };
        };
    };
    read_fhir_capabilities: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The CapabilityStatement. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "resourceType": "CapabilityStatement",
                     *       "status": "active",
                     *       "kind": "instance",
                     *       "fhirVersion": "5.0.0"
                     *     }
                     */
                    "application/fhir+json": {
                        /**
                         * @description What kind of resource this is.
                         * @constant
                         */
                        resourceType: "CapabilityStatement";
                    } & {
                        [key: string]: unknown;
                    };
                };
            };
        };
    };
    list_events: {
        parameters: {
            query?: {
                /**
                 * @description Rows on a page.
                 * @example 100
                 */
                limit?: number;
                /** @description `next_cursor` of the page before; the same as `after`. */
                cursor?: string;
                /** @description Only events after this one: the last that you have. */
                after?: string;
                /** @description Only this type. */
                type?: components["schemas"]["EventType"];
            };
            header?: {
                /** @description Of a stream alone: the last event that you have, before `after`. Left out like `after`, the stream begins with what happens from now on. */
                "Last-Event-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /**
             * @description Events in the order in which they were published.
             *
             *     Go on with `after` = the `id` of the last item, now or at any later time;
             *     `next_cursor` is that id while more events follow at once, else null.
             */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventPage"];
                    /**
                     * @example retry: 3000
                     *     id: 019c8a53-2f10-7b11-8c42-0d9e8f7a6b5c
                     *     event: start
                     *     data: {"after": "019c8a53-2f10-7b11-8c42-0d9e8f7a6b5c"}
                     */
                    "text/event-stream": string;
                };
            };
        };
    };
    list_webhooks: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Webhooks, active or not, oldest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookPage"];
                };
            };
        };
    };
    create_webhook: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookCreate"];
            };
        };
        responses: {
            /** @description A webhook with its secret, which is never shown again. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookMade"];
                };
            };
        };
    };
    read_webhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The webhook's `id`; another's does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000b
                 */
                webhook_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A webhook. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookRead"];
                };
            };
        };
    };
    end_webhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The webhook's `id`; another's does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000b
                 */
                webhook_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    change_webhook: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of the version you read; a record not yet made has version 0.
                 * @example "1"
                 */
                "If-Match": string;
            };
            path: {
                /**
                 * @description The webhook's `id`; another's does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000b
                 */
                webhook_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/merge-patch+json": components["schemas"]["WebhookPatch"];
            };
        };
        responses: {
            /** @description A webhook. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookRead"];
                };
            };
        };
    };
    rotate_secret: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description The webhook's `id`; another's does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000b
                 */
                webhook_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A new secret, which is never shown again. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SecretMade"];
                };
            };
        };
    };
    list_deliveries: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /**
                 * @description Only in this state.
                 * @example dead
                 */
                state?: components["schemas"]["DeliveryState"];
            };
            header?: never;
            path: {
                /**
                 * @description The webhook's `id`; another's does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000b
                 */
                webhook_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deliveries of a webhook, in the order in which their events were told. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryPage"];
                };
            };
        };
    };
    replay_delivery: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A fresh value for each new request, the same value for its retries.
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description The webhook's `id`; another's does not exist for you.
                 * @example 019c8a52-7d10-7c3e-9a41-00000000000b
                 */
                webhook_id: string;
                /**
                 * @description The event's `id`, sent as `webhook-id`.
                 * @example 019c8a52-7d10-7c3e-9a41-000000000028
                 */
                event_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One event on its way to a webhook. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryRead"];
                };
            };
        };
    };
    list_audit_events: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only about the subject with this id. */
                subject?: string;
                /** @description Only by the account with this id. */
                actor?: string;
                /**
                 * @description Only this action.
                 * @example subject randomized
                 */
                action?: components["schemas"]["AuditAction"];
                /** @description Only about this kind of record. */
                record?: string;
                /** @description Only at this site. */
                site?: string;
                /** @description Only at this time or later. */
                from?: string;
                /** @description Only before this time. */
                to?: string;
                /** @description `csv`: all that the filters leave, as a table. */
                format?: components["schemas"]["TrailFormat"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of the audit trail, in the order of writing. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditEventPage"];
                    "text/csv": string;
                };
            };
        };
    };
    list_checkpoints: {
        parameters: {
            query?: {
                /** @description Rows on a page. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of checkpoints, oldest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckpointPage"];
                };
            };
        };
    };
    read_health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The process answers. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    read_readiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Every check passed. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
        };
    };
    list_problems: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
        };
    };
    read_problem: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The last part of `type`. */
                code: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
        };
    };
    read_clock: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Clinical time in the sandbox. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClockRead"];
                };
            };
        };
    };
    move_clock: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ClockMove"];
            };
        };
        responses: {
            /** @description Clinical time in the sandbox. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClockRead"];
                };
            };
        };
    };
    list_scenarios: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The scenarios, and the one that is played now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ScenarioList"];
                };
            };
        };
    };
    reset_sandbox: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResetOrder"];
            };
        };
        responses: {
            /** @description What the sandbox began anew with, and clinical time there. Everybody has to sign in again. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ResetRead"];
                };
            };
        };
    };
    receive_subject_screened: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_subject_screen_failed: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_subject_eligible: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_subject_randomized: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_subject_on_treatment: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_subject_in_follow_up: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_subject_completed: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_subject_withdrawn: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_subject_lost_to_follow_up: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_subject_died: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_radiotherapy_recorded: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_visit_recorded: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_visit_overdue: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_grading_recorded: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_grading_corrected: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_adjudication_opened: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_adjudication_decided: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_endpoint_reached: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_endpoint_revised: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_adverse_event_reported: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_adverse_event_updated: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_adverse_event_upgraded: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_adverse_event_nullified: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_submission_recorded: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_submission_corrected: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_deadline_opened: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_deadline_near: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_deadline_missed: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_deadline_met: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_deadline_changed: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_query_opened: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_stopping_rule_reached: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EventMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    receive_webhook_ping: {
        parameters: {
            query?: never;
            header: {
                /** @description The event's `id`: an event may come twice, so remember what you have done. */
                "webhook-id": string;
                /** @description The time of this attempt, in seconds of Unix time: refuse what is older than five minutes. */
                "webhook-timestamp": string;
                /** @description One or two signatures (`v1,…`) over id, timestamp and body, by the webhook's secret and, for a day, by the one before (Standard Webhooks). */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PingMessage"];
            };
        };
        responses: {
            /** @description Gone: the webhook is switched off at once, and what waits stays. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken: answer within ten seconds and work afterwards. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Anything else is tried again for nearly three days. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
}

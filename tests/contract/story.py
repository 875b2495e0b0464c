"""One subject's way through the trial, and all that happens around it: what the examples tell.

NN-0001 is screened in Nanning on 2 March 2026, randomized, irradiated, graded,
and ill for a while. Every operation is asked once at least.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pyotp

from tests.contract.recorder import Json, Recorder
from tests.facts import eligible_facts
from tests.make import Api, created, ok
from tests.stopping_rules.reactions import evaluate

BEGUN = datetime(2026, 3, 2, 1, tzinfo=UTC)
SCREENED = date(2026, 3, 2)
FIRST_FRACTION = date(2026, 3, 16)
GRADED = date(2026, 3, 17)
ILL = date(2026, 3, 19)
LATER = date(2026, 4, 20)
ENDED = date(2026, 5, 4)

PASSWORD, TEMPORARY, OWN = "sandbox-only", "wisteria ladder 7 mercury", "heron 4 copper meadow"
PLAN: Json = {
    "planned_dose_gy": 66,
    "planned_fractions": 33,
    "planned_start": str(FIRST_FRACTION),
    "concurrent_chemotherapy": True,
}
SECRET = "Zt4vQ1xW8mJ0cN7yR3pK6sD9fG2hL5bA"


class Story:
    """Tells the story chapter by chapter; each leaves what the next ones need."""

    def __init__(self, api: Api, recorder: Recorder, seal: Callable[[], object]) -> None:
        self.api, self.recorder, self.tell, self.seal = api, recorder, recorder.tell, seal
        self.investigator = api.as_("investigator")
        self.coordinator = api.as_("coordinator")
        self.assessor = api.as_("assessor")
        self.second = api.as_("assessor", place=2)
        self.monitor = api.as_("monitor")
        self.manager = api.as_("data_manager")
        self.officer = api.as_("safety_officer")
        self.auditor = api.as_("auditor")
        self.admin = api.as_("admin")
        self.dmc = api.as_("dmc")
        self.system = api.as_("hospital_system")
        self.here = ""
        self.grading: Json = {}
        self.event: Json = {}

    def told(self) -> None:
        """The whole story."""
        self.signing_in()
        self.people_and_machines()
        self.the_study()
        self.webhooks()
        self.screening()
        self.randomization()
        self.treatment()
        self.gradings()
        self.review()
        self.an_adverse_event()
        self.what_went_wrong()
        self.reports()
        self.leaving()
        self.what_happened()

    def moved_to(self, day: date) -> None:
        """Morning of that local day: nine o'clock in Nanning."""
        self.recorder.move(self.api, datetime(day.year, day.month, day.day, 1, tzinfo=UTC))

    # --- before the subject ----------------------------------------------------------

    def signing_in(self) -> None:
        form = {"grant_type": "password", "username": "investigator-nn", "password": PASSWORD}
        tokens = self.tell(self.api, "POST", "/v1/oauth/token", form=form)
        self.tell(self.investigator, "GET", "/v1/me")
        self.tell(self.api, "POST", "/v1/oauth/revoke", form={"token": tokens["refresh_token"]})
        self.tell(self.api, "GET", "/.well-known/jwks.json")
        self.tell(self.api, "GET", "/.well-known/oauth-authorization-server")
        self.tell(self.api, "GET", "/healthz")
        self.tell(self.api, "GET", "/sandbox/clock")
        self.tell(self.api, "GET", "/sandbox/scenarios")

    def people_and_machines(self) -> None:
        person = {
            "username": "lan.weiming",
            "name": "Dr Lan Weiming",
            "role": "assessor",
            "sites": ["NN"],
            "password": TEMPORARY,
        }
        made = self.tell(self.admin, "POST", "/v1/users", person)
        self.tell(self.admin, "GET", made["links"]["self"])
        self.tell(self.admin, "GET", "/v1/users", username="lan.weiming")
        change = {"sites": ["LZ", "NN"], "reason": "Grades in Liuzhou too from March on"}
        self.tell(self.admin, "PATCH", made["links"]["self"], change, version=1)
        who = {"username": "lan.weiming", "password": TEMPORARY}
        self.tell(self.api, "POST", "/v1/oauth/password", {**who, "new_password": OWN})
        who["password"] = OWN
        offer = self.tell(self.api, "POST", "/v1/oauth/totp", who)
        shown = {"ticket": offer["ticket"], "totp": pyotp.TOTP(offer["secret"]).now()}
        self.tell(self.api, "POST", "/v1/oauth/totp/confirmation", {**who, **shown})
        certificate = {
            "assessor": made["id"],
            "valid_from": "2026-03-02",
            "valid_until": "2028-03-01",
            "training": "Calibration course on oral mucositis, 20 photographs, kappa 0.84",
        }
        made_certificate = self.tell(self.manager, "POST", "/v1/certificates", certificate)
        there = f"/v1/certificates/{made_certificate['id']}"
        self.tell(self.manager, "GET", there)
        self.tell(self.manager, "GET", "/v1/certificates", assessor=made["id"])
        sooner = {"valid_until": "2026-09-30", "reason": "Missed the yearly calibration"}
        self.tell(self.manager, "PATCH", there, sooner, version=1)
        system = {
            "client_id": "his-nanning",
            "name": "Hospital information system, Nanning",
            "sites": ["NN"],
            "secret": SECRET,
        }
        client = self.tell(self.admin, "POST", "/v1/clients", system)
        self.tell(self.admin, "GET", client["links"]["self"])
        self.tell(self.admin, "GET", "/v1/clients", client_id="his-nanning")
        renewed = {"secret": SECRET[::-1], "reason": "Secret replaced at the yearly rotation"}
        self.tell(self.admin, "PATCH", client["links"]["self"], renewed, version=1)

    def the_study(self) -> None:
        self.tell(self.investigator, "GET", "/v1/study")
        self.tell(self.investigator, "GET", "/v1/sites")
        self.tell(self.investigator, "GET", "/v1/sites/NN")
        self.tell(self.investigator, "GET", "/v1/protocol-versions")
        self.tell(self.investigator, "GET", "/v1/protocol-versions/1.0")
        approval = {
            "protocol_version": "1.0",
            "consent_version": "1.1",
            "ethics_reference": "2025-KY-0439-2",
            "approved_on": "2026-02-25",
        }
        self.tell(self.admin, "POST", "/v1/sites/NN/activations", approval)
        self.tell(self.admin, "GET", "/v1/sites/NN/activations")
        self.tell(self.api, "GET", "/v1/randomization/commitment")
        document = {
            "version": "2.0",
            "title": "Investigator's brochure, section 7: reference safety information",
            "effective_on": "2026-03-02",
            "expected": [{"term": "Nausea", "max_grade": 2}],
        }
        self.tell(self.officer, "POST", "/v1/safety/reference-documents", document)
        self.tell(self.officer, "GET", "/v1/safety/reference-documents")
        self.tell(self.officer, "GET", "/v1/safety/reference-documents/2.0")
        self.tell(self.investigator, "GET", "/v1/terms", q="naus")

    def webhooks(self) -> None:
        asked = {
            "url": "https://his.nanning.example/trial-events",
            "sites": ["NN"],
            "types": ["subject.randomized", "adverse_event.reported"],
            "description": "Hospital information system",
        }
        made = self.tell(self.system, "POST", "/v1/webhooks", asked)
        self.webhook = made["links"]["self"]
        self.tell(self.system, "GET", self.webhook)
        self.tell(self.system, "GET", "/v1/webhooks")
        change = {"description": "Hospital information system, ward 7", "reason": "Moved ward"}
        self.tell(self.system, "PATCH", self.webhook, change, version=1)
        self.tell(self.system, "POST", f"{self.webhook}/secret")

    # --- the subject -----------------------------------------------------------------

    def screening(self) -> None:
        person = {"site": "NN", "year_of_birth": 1973, "sex": "female"}
        subject = self.tell(self.coordinator, "POST", "/v1/subjects", person)
        self.subject, self.here = subject["id"], subject["links"]["self"]
        change = {"year_of_birth": 1974, "reason": "Read again from the identity card"}
        self.tell(self.coordinator, "PATCH", self.here, change, version=1)
        signed = {"version": "1.1", "signed_on": str(SCREENED)}
        self.tell(self.coordinator, "POST", f"{self.here}/consents", signed)
        self.tell(self.coordinator, "GET", f"{self.here}/consents")
        facts = eligible_facts(SCREENED)
        there = f"{self.here}/eligibility"
        judged = self.tell(self.coordinator, "PUT", there, {"facts": facts}, version=0)
        statement = {
            "evaluation_hash": judged["evaluation_hash"],
            "meaning": "I confirm eligibility",
            "password": PASSWORD,
        }
        self.tell(self.investigator, "POST", f"{there}/signature", statement)
        self.tell(self.coordinator, "GET", there)
        self.tell(self.coordinator, "PUT", f"{self.here}/radiotherapy", PLAN, version=0)
        self.tell(self.coordinator, "GET", self.here)

    def randomization(self) -> None:
        there = f"{self.here}/randomization"
        self.tell(self.investigator, "POST", there)
        self.tell(self.investigator, "GET", there)
        self.tell(self.investigator, "GET", "/v1/randomizations")
        self.tell(self.investigator, "GET", "/v1/subjects", site="NN")
        self.tell(self.auditor, "GET", f"{there}/proof")
        self.tell(self.auditor, "GET", "/v1/randomization/proofs")
        self.tell(self.monitor, "GET", "/v1/reports/randomization")

    def treatment(self) -> None:
        self.moved_to(FIRST_FRACTION)
        began = {**PLAN, "first_fraction_on": str(FIRST_FRACTION)}
        began["reason"] = "First fraction delivered"
        ok(self.coordinator.put(f"{self.here}/radiotherapy", began, version=1))
        self.tell(self.coordinator, "GET", f"{self.here}/radiotherapy")
        taken = {"day": str(FIRST_FRACTION), "applications": 3}
        made = self.tell(self.coordinator, "POST", f"{self.here}/exposures", taken)
        there = f"/v1/exposures/{made['id']}"
        change = {
            "applications": 2,
            "missed_reason": "Slept through the midday dose",
            "reason": "Vials counted again",
        }
        self.tell(self.coordinator, "PATCH", there, change, version=1)
        self.tell(self.coordinator, "GET", there)
        self.tell(self.coordinator, "GET", f"{self.here}/exposures")

    def gradings(self) -> None:
        self.moved_to(GRADED + timedelta(days=1))
        there = f"{self.here}/visits/RT1A"
        self.tell(self.assessor, "PUT", there, {"date": str(GRADED)}, version=0)
        self.tell(self.assessor, "GET", there)
        self.tell(self.assessor, "GET", f"{self.here}/visits")
        self.tell(self.assessor, "GET", "/v1/visits", site="NN", awaits_grading="true")
        seen = {
            "assessed_at": f"{GRADED}T02:30:00Z",
            "grade": 1,
            "mucosal_appearance": "erythema",
            "ulceration": False,
            "pain_score": 2,
            "analgesic": "none",
            "diet": "solid",
        }
        self.grading = self.tell(self.assessor, "POST", f"{there}/gradings", seen)
        graded = f"/v1/gradings/{self.grading['id']}"
        change = {"pain_score": 3, "reason": "Misread the source record"}
        changed = self.tell(self.assessor, "PATCH", graded, change, version=1)
        statement = {
            "content_hash": changed["content_hash"],
            "meaning": "I confirm the grading",
            "password": PASSWORD,
        }
        self.tell(self.assessor, "POST", f"{graded}/signature", statement)
        self.tell(self.assessor, "GET", graded)
        self.tell(self.assessor, "GET", f"{graded}/versions")
        worse = {**seen, "grade": 2, "mucosal_appearance": "patchy", "pain_score": 4}
        created(self.second.post(f"{there}/gradings", worse))
        self.tell(self.investigator, "GET", f"{there}/gradings")
        (opened,) = self.tell(self.investigator, "GET", "/v1/adjudications")["items"]
        decided = {
            "grade": 2,
            "reason": "Both photographs show a confluent membrane on the soft palate",
        }
        adjudication = f"/v1/adjudications/{opened['id']}"
        self.tell(self.investigator, "PATCH", adjudication, decided, version=1)
        self.tell(self.investigator, "GET", adjudication)

    def review(self) -> None:
        verified = f"/v1/gradings/{self.grading['id']}/verifications"
        compared = {"version": 2, "note": "Agrees with the grading sheet in the source file"}
        self.tell(self.monitor, "POST", verified, compared)
        self.tell(self.monitor, "GET", verified)
        self.tell(self.monitor, "GET", "/v1/verifications")
        asked = {
            "subject_id": self.subject,
            "record": "visit",
            "record_id": "RT1A",
            "field": "date",
            "text": "The source record says 18 March; please check the date of the visit",
        }
        query = self.tell(self.monitor, "POST", "/v1/queries", asked)
        there = f"/v1/queries/{query['id']}"
        answered = {"action": "answer", "text": "The entry in the source was made a day later"}
        self.tell(self.coordinator, "PATCH", there, answered, version=1)
        self.tell(self.monitor, "GET", there)
        self.tell(self.monitor, "GET", "/v1/queries", record="visit")
        departed = {
            "code": "visit",
            "description": "Weekly grading skipped, clinic closed for the holiday",
            "occurred_on": str(GRADED),
        }
        self.tell(self.coordinator, "POST", f"{self.here}/deviations", departed)
        self.tell(self.coordinator, "GET", f"{self.here}/deviations")
        self.tell(self.monitor, "GET", "/v1/deviations")
        frozen = {"state": "frozen", "reason": "Data of the first week reviewed"}
        self.tell(self.manager, "PUT", f"{self.here}/lock", frozen, version=0)
        self.tell(self.manager, "GET", f"{self.here}/lock")
        opened = {"state": "open", "reason": "The review is over"}
        ok(self.manager.put(f"{self.here}/lock", opened, version=1))
        frozen = {"state": "frozen", "reason": "Interim data cut"}
        self.tell(self.manager, "PUT", "/v1/study/lock", frozen, version=0)
        self.tell(self.manager, "GET", "/v1/study/lock")
        ok(self.manager.put("/v1/study/lock", opened, version=1))

    def an_adverse_event(self) -> None:
        self.moved_to(ILL + timedelta(days=1))
        reported = {
            "term": "Nausea",
            "grade": 3,
            "onset_on": str(ILL),
            "aware_at": f"{ILL}T06:45:00Z",
            "serious": True,
            "seriousness": ["hospitalisation"],
            "causality": {"study_drug": "possibly", "radiotherapy": "probably"},
            "action_taken": "interrupted",
            "outcome": "recovering",
            "narrative": "Admitted for fluids after a day of vomiting.",
        }
        self.event = self.tell(self.investigator, "POST", f"{self.here}/adverse-events", reported)
        there = f"/v1/adverse-events/{self.event['id']}"
        judged = {
            "sponsor_causality": "possibly",
            "expectedness": "unexpected",
            "reason": "Assessed by the reference safety information 2.0",
        }
        assessed = self.tell(self.officer, "PATCH", there, judged, version=1)
        statement = {
            "content_hash": assessed["content_hash"],
            "meaning": "I have reviewed the adverse event",
            "password": PASSWORD,
        }
        self.tell(self.investigator, "POST", f"{there}/signature", statement)
        self.tell(self.investigator, "GET", there)
        self.tell(self.investigator, "GET", f"{there}/versions")
        self.tell(self.investigator, "GET", f"{self.here}/adverse-events")
        self.tell(self.officer, "GET", "/v1/adverse-events", serious="true")
        self.tell(self.officer, "GET", f"{there}/case-report")
        self.submissions(there)
        evaluate(self.api, self.api.state.loaded.protocol)
        (rule,) = self.tell(self.officer, "GET", "/v1/safety/stopping-rules")["items"]
        self.tell(self.officer, "GET", f"/v1/safety/stopping-rules/{rule['id']}/evaluations")

    def submissions(self, event: str) -> None:
        owed = self.tell(self.officer, "GET", "/v1/safety/deadlines", subject_id=self.subject)
        regulator = next(one for one in owed["items"] if one["recipient"] == "regulator")
        sent = {
            "recipient": "regulator",
            "kind": "initial",
            "submitted_at": f"{ILL + timedelta(days=1)}T00:30:00Z",
        }
        made = self.tell(self.officer, "POST", f"{event}/submissions", sent)
        there = f"{event}/submissions/{made['id']}"
        arrived = {"receipt": "ACK-2026-004711", "reason": "The receipt arrived"}
        self.tell(self.officer, "PATCH", there, arrived, version=1)
        self.tell(self.officer, "GET", there)
        self.tell(self.officer, "GET", f"{event}/submissions")
        deadline = f"/v1/safety/deadlines/{regulator['id']}"
        self.tell(self.officer, "GET", deadline)
        self.tell(self.officer, "GET", f"{deadline}/versions")

    # --- what comes after ------------------------------------------------------------

    def what_went_wrong(self) -> None:
        self.moved_to(LATER)
        wrong = {
            "kind": "wrong_stratum",
            "stratum": {"site": "NN", "concurrent_chemotherapy": False},
            "discovered_on": str(LATER),
            "reason": "Chemotherapy was entered as planned; the chart says it was not",
        }
        corrections = f"{self.here}/randomization/corrections"
        self.tell(self.manager, "POST", corrections, wrong)
        self.tell(self.manager, "GET", corrections)
        self.tell(self.manager, "GET", "/v1/randomization/corrections")
        self.moved_to(ENDED)
        given_up = {
            "treatment": {
                "on": str(ENDED),
                "cause": "adverse_event",
                "detail": "Burning after each spray, worse from week to week",
            }
        }
        ended = f"{self.here}/discontinuation"
        self.tell(self.investigator, "PUT", ended, given_up, version=0)
        self.tell(self.investigator, "GET", ended)
        self.tell(self.investigator, "GET", f"{self.here}/endpoint")

    def reports(self) -> None:
        for name in ("recruitment", "consort", "completeness", "agreement"):
            self.tell(self.manager, "GET", f"/v1/reports/{name}")
        for name in ("endpoints", "safety-by-arm"):
            self.tell(self.dmc, "GET", f"/v1/reports/{name}")

    def leaving(self) -> None:
        (consent,) = ok(self.coordinator.get(f"{self.here}/consents"))["items"]
        withdrawn = {
            "withdrawn_on": str(ENDED),
            "reason": "Does not want to travel to the hospital any more",
        }
        there = f"{self.here}/consents/{consent['id']}/withdrawal"
        self.tell(self.coordinator, "POST", there, withdrawn)

    def what_happened(self) -> None:
        told = self.tell(self.system, "GET", "/v1/events", limit="100")["items"]
        event = next(one for one in told if one["type"] == "subject.randomized")
        self.api.rows(
            "UPDATE webhook_delivery SET state = 'dead', attempts = 15, status = NULL,"
            " fault = 'unreachable', attempted_at = now()"
        )
        self.tell(self.system, "GET", f"{self.webhook}/deliveries", state="dead")
        self.tell(self.system, "POST", f"{self.webhook}/deliveries/{event['id']}/replay")
        self.tell(self.system, "DELETE", self.webhook)
        self.tell(self.auditor, "GET", "/v1/audit-events", action="subject randomized")
        self.seal()
        self.tell(self.auditor, "GET", "/v1/audit/checkpoints")

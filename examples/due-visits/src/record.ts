/** The form in which the day of a visit is recorded, and the visit graded. */
import { type components, freshKey, TrialProblem, Unreachable } from "trial-api-client";
import { element, found } from "./dom.ts";
import { type Labels, siteLabel, valueLabel, visitLabel } from "./labels.ts";
import type { Visit } from "./list.ts";
import { clear, explain, field, mark, show, summarise } from "./problems.ts";
import type { Session } from "./session.ts";
import { moment } from "./time.ts";
import { day, days, listed, word } from "./words.ts";

type Schemas = components["schemas"];
type Recorded = Schemas["VisitRead"];
type Grading = Schemas["GradingCreate"];

export interface Opened {
  session: Session;
  labels: Labels;
  /** The trial's time zone, in which its days are. */
  zone: string;
  visit: Visit;
}

/** The members of a grading that take one value of an enumeration, and which. */
const CHOICES = {
  mucosal_appearance: ["MucosalAppearance", ["normal", "erythema", "patchy", "confluent", "ulcer_hemorrhage_necrosis"]],
  analgesic: ["Analgesic", ["none", "non_opioid", "opioid"]],
  diet: ["Diet", ["solid", "soft", "liquid", "none_by_mouth"]],
} as const satisfies { [Member in keyof Grading]?: [string, readonly Grading[Member][]] };

/** Open the form over the page; `done` is told in words what was stored. */
export function openRecord(opened: Opened, done: (text: string) => void): void {
  const dialog = element("dialog", { class: "record", "aria-labelledby": "record-title" });
  dialog.append(element("p", {}, word("loading")));
  let form: RecordForm | undefined;
  // A browser lets Escape be refused only so often; then it closes the dialog, whatever is entered.
  dialog.addEventListener("close", () => (form?.unsaved ? dialog.showModal() : dialog.remove()));
  document.body.append(dialog);
  dialog.showModal();
  read(opened).then(
    ({ recorded, etag, own }) => {
      form = new RecordForm(opened, dialog, recorded, etag, own, done);
    },
    (failure: unknown) => {
      const close = element("button", { type: "button" }, word("close"));
      close.onclick = () => dialog.close();
      dialog.replaceChildren(element("p", { role: "alert" }, explain(failure).join(" ")), close);
    },
  );
}

function pathOf({ visit }: Opened) {
  return { subject_id: visit.subject_id, code: visit.code };
}

/** The visit as it stands now. */
function readVisit(opened: Opened) {
  const params = { path: pathOf(opened) };
  return opened.session.call((trial) => trial.GET("/v1/subjects/{subject_id}/visits/{code}", { params }));
}

/** The same, and the person's own grading of it, if there is one. */
async function read(opened: Opened) {
  const { session } = opened;
  const path = pathOf(opened);
  const { data: recorded, etag } = await readVisit(opened);
  const own =
    recorded.graded && recorded.status === "done"
      ? await session.call(async (trial) => {
          const list = "/v1/subjects/{subject_id}/visits/{code}/gradings";
          for await (const one of trial.items(list, { params: { path } })) {
            if (one.assessor === session.me.id) return one;
          }
          return undefined;
        })
      : undefined;
  return { recorded, etag, own };
}

class RecordForm {
  readonly #opened: Opened;
  readonly #dialog: HTMLDialogElement;
  readonly #form: HTMLFormElement;
  readonly #done: (text: string) => void;
  readonly #grades: boolean;
  #recorded: Recorded;
  #etag: string;
  #touched = false;
  /** Whether a day was sent for this version of the visit, and no answer told what became of it. */
  #unanswered = false;
  /** What was sent last, and under which key: the same again is a retry, anything else is new. */
  #sent = { body: "", key: "" };

  constructor(
    opened: Opened,
    dialog: HTMLDialogElement,
    recorded: Recorded,
    etag: string,
    own: Schemas["GradingRead"] | undefined,
    done: (text: string) => void,
  ) {
    this.#opened = opened;
    this.#dialog = dialog;
    this.#recorded = recorded;
    this.#etag = etag;
    this.#done = done;
    this.#grades = recorded.graded && own === undefined && opened.session.may("gradings:create");
    this.#form = this.#made(own);
    this.#form.addEventListener("input", () => {
      this.#touched = true;
      this.#askForReason();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#save();
    });
    dialog.addEventListener("cancel", (event) => {
      // An answer counts only where the closing can be refused; else the dialog comes again, unasked.
      if (!this.#touched || !event.cancelable) return;
      if (confirm(word("discard"))) this.#touched = false;
      else event.preventDefault();
    });
    dialog.replaceChildren(this.#form);
    this.#askForReason();
    found('[name="date"]', this.#form).focus();
  }

  /** Whether something was entered that is neither stored nor discarded. */
  get unsaved(): boolean {
    return this.#touched;
  }

  #made(own: Schemas["GradingRead"] | undefined): HTMLFormElement {
    const { labels, visit, zone } = this.#opened;
    const { scales, components: asked } = labels.protocol;
    const shown = this.#recorded.window === null ? "–" : days(this.#recorded.window);
    const choices = (Object.keys(CHOICES) as (keyof typeof CHOICES)[]).map((member) => {
      const [enumeration, values] = CHOICES[member];
      return [member, radios(member, values.map((value) => [value, valueLabel(labels, enumeration, value)]))] as const;
    });
    const controls: Record<string, HTMLElement> = {
      ...Object.fromEntries(choices),
      ulceration: radios("ulceration", [["true", word("yes")], ["false", word("no")]]),
      pain_score: element("input", { name: "pain_score", type: "number", min: "0", max: "10", step: "1" }),
    };
    const grades = Object.entries(scales["protocol"]?.grades ?? {});
    const grading = [
      field("assessed_at", word("time", { zone }), element("input", { name: "assessed_at", type: "time" })),
      // In the order in which the service lists them.
      ...Object.entries(asked).flatMap(([member, label]) => {
        const control = controls[member];
        return control === undefined ? [] : [field(member, label, control)];
      }),
      field("grade", scales["protocol"]?.label ?? "", radios("grade", grades.map(([grade, text]) => [grade, `${grade} ${text}`]))),
    ];
    const close = element("button", { type: "button" }, word("close"));
    close.onclick = () => this.#dialog.requestClose();
    return element(
      "form",
      { novalidate: true },
      element("h2", { id: "record-title" }, `${visit.number} · ${visit.code}`),
      element("p", {}, `${visitLabel(labels, visit.code)} · ${siteLabel(labels, visit.site)} · ${word("window")}: ${shown}`),
      element("div", { class: "summary", role: "alert" }),
      element(
        "div",
        { class: "fields" },
        field("date", word("date"), element("input", { name: "date", type: "date", value: this.#recorded.date ?? "" })),
        field("reason", word("reason"), element("input", { name: "reason", maxlength: "500" })),
        ...(this.#grades ? grading : []),
        ...(own ? [element("p", {}, word("graded", { grade: String(own.grade) }))] : []),
      ),
      element("div", { class: "buttons" }, element("button", { class: "main" }, word("save")), close),
    );
  }

  /** The reason is asked for only where a recorded visit is changed. */
  #askForReason(): void {
    found('[data-field="reason"]', this.#form).hidden = this.#recorded.version === 0 || !this.#moves();
  }

  #value(name: string): string {
    return String(new FormData(this.#form).get(name) ?? "");
  }

  /** Whether the day in the form is another than the recorded one. */
  #moves(): boolean {
    return this.#value("date") !== (this.#recorded.date ?? "");
  }

  async #save(): Promise<void> {
    clear(this.#form);
    if (!this.#complete()) return;
    const button = found<HTMLButtonElement>(".main", this.#form);
    button.disabled = true;
    button.textContent = word("saving");
    try {
      const flags = await this.#send();
      const { number, code } = this.#opened.visit;
      this.#touched = false;
      this.#dialog.close();
      this.#done([word("saved", { number, code }), ...flags].join(" "));
    } catch (failure) {
      await this.#refused(failure);
    } finally {
      button.disabled = false;
      button.textContent = word("save");
    }
  }

  /** Nothing is sent before all is filled in, for the day is stored before the grading. */
  #complete(): boolean {
    const names = ["date", ...(this.#grades ? ["assessed_at", "pain_score", "ulceration", "grade", ...Object.keys(CHOICES)] : [])];
    if (!found('[data-field="reason"]', this.#form).hidden) names.push("reason");
    const missing = names.filter((name) => this.#value(name) === "");
    for (const name of missing) mark(this.#form, name, word("required"));
    if (missing.length > 0) summarise(this.#form, word("mend"));
    return missing.length === 0;
  }

  /** Store the day if it is new, then the grading; what is to be looked at comes back in words. */
  async #send(): Promise<string[]> {
    const { labels, session } = this.#opened;
    const path = pathOf(this.#opened);
    const flags: string[] = [];
    if (this.#moves()) {
      const stored = await this.#storeDay(this.#value("date"), this.#value("reason"));
      this.#keep(stored.data, stored.etag);
      flags.push(...stored.data.flags.map((flag) => valueLabel(labels, "VisitFlag", flag)));
    }
    if (this.#grades) {
      const body = this.#grading();
      const header = { "Idempotency-Key": this.#keyOf(body) };
      const stored = await session.call((trial) =>
        trial.POST("/v1/subjects/{subject_id}/visits/{code}/gradings", { params: { path, header }, body }),
      );
      flags.push(...stored.data.flags.map((flag) => valueLabel(labels, "GradingFlag", flag)));
    }
    return flags.length > 0 ? [word("flagged", { flags: listed(flags) })] : [];
  }

  /**
   * The visit with that day. If the press before had no answer, the version that it was made on may
   * be gone because it was stored: the next version says so with the day and the reason.
   */
  async #storeDay(date: string, reason: string) {
    const body = { date, ...(reason && { reason }) };
    const params = { path: pathOf(this.#opened), header: { "If-Match": this.#etag } };
    try {
      return await this.#opened.session.call((trial) =>
        trial.PUT("/v1/subjects/{subject_id}/visits/{code}", { params, body }),
      );
    } catch (failure) {
      if (!this.#unanswered || !isStale(failure)) {
        this.#unanswered ||= mayBeDone(failure);
        throw failure;
      }
      const now = await readVisit(this.#opened);
      const next = now.data.version === this.#recorded.version + 1;
      if (next && now.data.date === date && (now.data.reason ?? "") === reason) return now;
      throw failure;
    }
  }

  #keep(recorded: Recorded, etag: string): void {
    this.#recorded = recorded;
    this.#etag = etag;
    this.#unanswered = false;
    this.#askForReason();
  }

  #grading(): Grading {
    const zone = this.#opened.zone;
    return {
      assessed_at: moment(this.#value("date"), this.#value("assessed_at"), zone),
      grade: Number(this.#value("grade")),
      // The form offers the values of the contract alone, and all of them are chosen by now.
      mucosal_appearance: this.#value("mucosal_appearance") as Grading["mucosal_appearance"],
      ulceration: this.#value("ulceration") === "true",
      pain_score: Number(this.#value("pain_score")),
      analgesic: this.#value("analgesic") as Grading["analgesic"],
      diet: this.#value("diet") as Grading["diet"],
    };
  }

  /** The key of this press; after a press without an answer, the same for the same grading. */
  #keyOf(body: Grading): string {
    const text = JSON.stringify(body);
    if (text !== this.#sent.body) this.#sent = { body: text, key: freshKey() };
    return this.#sent.key;
  }

  async #refused(failure: unknown): Promise<void> {
    if (isStale(failure)) return this.#readAgain();
    if (mayBeDone(failure)) return summarise(this.#form, word("unreachable"));
    // The day went through, so only the grading waits.
    const kept = this.#grades && !this.#moves();
    show(this.#form, failure, ...(kept ? [word("visitKept")] : []));
  }

  /** Somebody was faster: show what the visit says now, and let the person decide. */
  async #readAgain(): Promise<void> {
    try {
      const { recorded, etag } = await read(this.#opened);
      this.#keep(recorded, etag);
      const { status, date, missed_reason } = recorded;
      const label = valueLabel(this.#opened.labels, "VisitStatus", status);
      const now = [label, date === null ? "" : day(date), missed_reason ?? ""].filter(Boolean);
      summarise(this.#form, word("changed", { now: listed(now) }));
    } catch (failure) {
      show(this.#form, failure);
    }
  }
}

function isStale(failure: unknown): boolean {
  return failure instanceof TrialProblem && failure.code === "stale_version";
}

/** Whether what was sent may be stored all the same: no answer came, or none that tells. */
function mayBeDone(failure: unknown): boolean {
  if (!(failure instanceof TrialProblem)) return failure instanceof Unreachable;
  const { code, status, uncertain } = failure;
  // Of a refusal by the service itself, what was lost before does not matter: nothing is stored.
  return code === "still_in_flight" || (uncertain && (status >= 500 || code === "no_problem"));
}

/** A choice of one among a few, all in sight. */
function radios(name: string, choices: (readonly [value: string, label: string])[]): HTMLFieldSetElement {
  return element(
    "fieldset",
    {},
    ...choices.map(([value, label]) =>
      element("label", {}, element("input", { type: "radio", name, value }), element("span", {}, label)),
    ),
  );
}

/** What the service refused, where the person can mend it. */
import { TrialProblem, Unreachable } from "trial-api-client";
import { element, found } from "./dom.ts";
import { word } from "./words.ts";

/** Why a call failed: what happened, and what to do. */
export function explain(failure: unknown): string[] {
  if (failure instanceof Unreachable || isOfAProxy(failure)) return [word("noAnswer")];
  if (!(failure instanceof TrialProblem)) {
    // A mistake of ours: the console has all of it.
    reportError(failure);
    return [word("fault", { fault: String(failure) })];
  }
  const { title, detail, requestId, status } = failure;
  return status < 500 ? [title, detail] : [title, detail, word("quote", { id: requestId })];
}

/** Whether something before the service answered, such as a proxy's page to sign in. */
function isOfAProxy(failure: unknown): boolean {
  return failure instanceof TrialProblem && failure.code === "no_problem";
}

/** A field with its name and a place for what is wrong with it; `name` is the member of the body. */
export function field(name: string, label: string, control: HTMLElement): HTMLElement {
  const error = element("p", { class: "error", id: `${name}-error` });
  control.setAttribute("aria-describedby", error.id);
  if (control instanceof HTMLFieldSetElement) {
    control.setAttribute("role", "radiogroup");
    control.prepend(element("legend", {}, label));
    control.append(error);
    control.dataset["field"] = name;
    return control;
  }
  return element("div", { "data-field": name }, element("label", {}, label, control), error);
}

/** Take every message off the form. */
export function clear(form: HTMLElement): void {
  found(".summary", form).replaceChildren();
  for (const error of form.querySelectorAll(".error")) error.textContent = "";
  for (const marked of form.querySelectorAll("[aria-invalid]")) marked.removeAttribute("aria-invalid");
}

/** Say it at its field; false where the form has none of that name. */
export function mark(form: HTMLElement, name: string, text: string): boolean {
  const place = form.querySelector<HTMLElement>(`[data-field="${CSS.escape(name)}"]`);
  if (place === null) return false;
  found(".error", place).textContent = text;
  const control = place.matches("fieldset") ? place : found("input", place);
  control.setAttribute("aria-invalid", "true");
  return true;
}

/** Say above the fields what concerns no single one, and lead to the first that is marked. */
export function summarise(form: HTMLElement, ...texts: string[]): void {
  found(".summary", form).replaceChildren(...texts.map((text) => element("p", {}, text)));
  const first = form.querySelector<HTMLElement>("input[aria-invalid], [aria-invalid] input");
  if (first) first.focus();
  else found(".summary", form).scrollIntoView({ block: "nearest" });
}

/** Show a refusal: each thing that is wrong at its field, by its pointer; the rest above. */
export function show(form: HTMLElement, failure: unknown, ...more: string[]): void {
  const errors = failure instanceof TrialProblem ? failure.errors : [];
  const elsewhere = errors.filter(({ pointer, detail }) => !mark(form, pointer.slice(1), detail));
  const all = errors.length > elsewhere.length ? [word("mend")] : explain(failure);
  summarise(form, ...more, ...all, ...elsewhere.map(({ detail }) => detail));
}

/** The form that asks for the password: on the page at first, over the page when the session is over. */
import { TrialProblem } from "trial-api-client";
import { element, found } from "./dom.ts";
import { clear, field, show } from "./problems.ts";
import type { AskAgain, Password } from "./session.ts";
import { word } from "./words.ts";

/** A form that calls `enter` until it is not refused. */
export function signInForm(enter: (given: Password) => Promise<void>, username?: string): HTMLFormElement {
  const name = element("input", {
    name: "username",
    autocomplete: "username",
    required: true,
    readonly: username !== undefined,
    value: username ?? "",
    autocapitalize: "none",
    spellcheck: "false",
  });
  const password = element("input", {
    name: "password",
    type: "password",
    autocomplete: "current-password",
    required: true,
  });
  const code = element("input", { name: "totp", inputmode: "numeric", autocomplete: "one-time-code" });
  const codeField = field("totp", word("code"), code);
  codeField.hidden = true;
  const form = element(
    "form",
    { class: "sign-in" },
    element("div", { class: "summary", role: "alert" }),
    field("username", word("username"), name),
    field("password", word("password"), password),
    codeField,
    element("button", { class: "main" }, word("signIn")),
  );
  const button = found<HTMLButtonElement>("button", form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clear(form);
    button.disabled = true;
    try {
      const totp = code.value.trim();
      await enter({ username: name.value, password: password.value, ...(totp && { totp }) });
    } catch (failure) {
      // Some accounts have a second factor, which the service tells only after the password.
      if (failure instanceof TrialProblem && failure.code === "totp_required") codeField.hidden = false;
      show(form, failure);
      (codeField.hidden ? password : code).focus();
    } finally {
      button.disabled = false;
    }
  });
  return form;
}

/** Ask the same person again, over whatever they were doing; nobody else comes to what is there. */
export function askingAgain(leave: () => void): AskAgain {
  return (username, enter) =>
    new Promise((resolve) => {
      const form = signInForm(async (given) => {
        await enter(given);
        dialog.close();
        dialog.remove();
        resolve();
      }, username);
      const other = element("button", { type: "button" }, word("anotherPerson"));
      other.addEventListener("click", leave);
      const dialog = element(
        "dialog",
        { class: "again", "aria-labelledby": "again-title", closedby: "none" },
        element("p", { id: "again-title" }, word("signInAgain")),
        form,
        other,
      );
      const show = () => {
        dialog.showModal();
        found('[name="password"]', form).focus();
      };
      // Escape would leave a page that can neither read nor save. A browser that does not know
      // `closedby` lets it be refused only so often, so the dialog comes again until it is removed.
      dialog.addEventListener("cancel", (event) => event.preventDefault());
      dialog.addEventListener("close", () => {
        if (dialog.isConnected) show();
      });
      document.body.append(dialog);
      show();
    });
}

// Starts Swagger UI over this service's document.
"use strict";

const etags = new Map(); // address → the ETag that this page saw there last
const filled = new Map(); // operation and header → what this page wrote into its field

// --- headers that the page fills in ----------------------------------------------------

function address(template, values) {
  const path = template.replace(/\{(\w+)\}/g, (_, name) =>
    encodeURIComponent(values.get(`path.${name}`) ?? ""),
  );
  return new URL(path, location.origin).href;
}

function fill(system, [template, method]) {
  const operation = [template, method];
  const values = system.specSelectors.parameterValues(operation);
  const parameters = system.specSelectors.operationWithMeta(template, method).get("parameters");
  const offered = {
    "Idempotency-Key": () => crypto.randomUUID(),
    "If-Match": () => etags.get(address(template, values)),
  };
  for (const parameter of parameters ?? []) {
    const name = parameter.get("name");
    if (parameter.get("in") !== "header" || !(name in offered)) continue;
    const place = `${method} ${template} ${name}`;
    const written = parameter.get("value");
    if (written && written !== filled.get(place)) continue; // the reader's own
    const value = offered[name]();
    if (value === undefined) continue;
    filled.set(place, value);
    system.specActions.changeParamByIdentity(operation, parameter, value);
  }
}

// Before anything is checked, so that a required header is not missed.
const FilledHeaders = (system) => ({
  statePlugins: {
    spec: {
      wrapActions: {
        validateParams: (proceed) => (operation, isOAS3) => {
          fill(system.getSystem(), operation);
          return proceed(operation, isOAS3);
        },
      },
    },
  },
});

// --- the filter: by what an operation says, not by tag alone ---------------------------

const SearchedOperations = ({ React }) => ({
  components: {
    FilterContainer: ({ layoutActions }) =>
      React.createElement(
        "div",
        { className: "filter wrapper" },
        React.createElement("input", {
          className: "operation-filter-input",
          type: "search",
          placeholder: "Filter by any word",
          "aria-label": "Filter the operations by any word",
          onChange: ({ target }) => layoutActions.updateFilter(target.value),
        }),
      ),
  },
  fn: {
    opsFilter: (tagged, phrase) => {
      const wanted = phrase.toLowerCase();
      const says = (operation) =>
        [operation.get("path"), operation.get("method"), operation.getIn(["operation", "summary"])]
          .join(" ")
          .toLowerCase()
          .includes(wanted);
      return tagged
        .map((group, tag) =>
          tag.toLowerCase().includes(wanted)
            ? group
            : group.update("operations", (operations) => operations.filter(says)),
        )
        .filter((group) => group.get("operations").size > 0);
    },
  },
  statePlugins: {
    layout: {
      wrapActions: {
        updateFilter: (proceed, system) => (phrase) => {
          for (const tag of system.specSelectors.taggedOperations().keySeq())
            system.layoutActions.show(["operations-tag", tag], phrase !== "");
          return proceed(phrase);
        },
      },
    },
  },
});

// --- signing in by a button ------------------------------------------------------------

function scheme() {
  const schemes = ui.specSelectors.specJson().getIn(["components", "securitySchemes"]);
  return schemes.findEntry((one) => one.get("type") === "oauth2");
}

async function signIn({ account, secret, machine }) {
  const told = document.getElementById("signed-in");
  const form =
    machine === "true"
      ? { grant_type: "client_credentials", client_id: account, client_secret: secret }
      : { grant_type: "password", username: account, password: secret };
  const answer = await fetch("/v1/oauth/token", { method: "POST", body: new URLSearchParams(form) });
  const token = await answer.json();
  if (!answer.ok) {
    told.textContent = `${token.title}. ${token.detail}`;
    return;
  }
  const [name, schema] = scheme();
  ui.authActions.authorizeOauth2({ auth: { name, schema }, token });
  told.textContent = `Signed in as ${account}.`;
}

for (const button of document.querySelectorAll("button[data-account]"))
  button.addEventListener("click", () => signIn(button.dataset));

// --- Swagger UI ------------------------------------------------------------------------

let ui;

async function start() {
  const answer = await fetch("/openapi.json");
  ui = SwaggerUIBundle({
    dom_id: "#swagger-ui",
    spec: await answer.json(), // an address of it would be read as YAML, which takes far longer
    plugins: [FilledHeaders, SearchedOperations],
    deepLinking: true,
    docExpansion: "none",
    defaultModelsExpandDepth: 0,
    defaultModelExpandDepth: 2,
    defaultModelRendering: "example",
    displayRequestDuration: true,
    filter: true,
    persistAuthorization: false,
    validatorUrl: null,
    responseInterceptor: (response) => {
      if (response.headers?.etag) etags.set(response.url, response.headers.etag);
      return response;
    },
  });
}

start();

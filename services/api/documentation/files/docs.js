// Starts Swagger UI over this service's document.
"use strict";

const etags = new Map(); // address → the ETag that this page saw there last
const filled = new Map(); // operation and header → what this page wrote into its field

// --- headers that the page fills in ----------------------------------------------------

function freshKey() {
  // Browsers have UUIDs over https and on localhost alone.
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16)).join("-");
}

function address(template, values) {
  const path = template.replace(/\{(\w+)\}/g, (_, name) =>
    encodeURIComponent(values.get(`path.${name}`) ?? ""),
  );
  return new URL(path, location.origin).href;
}

function fill({ specSelectors, specActions }, operation) {
  const [template, method] = operation;
  const offered = {
    "Idempotency-Key": freshKey,
    "If-Match": () => etags.get(address(template, specSelectors.parameterValues(operation))),
  };
  const parameters = specSelectors.specResolvedSubtree(["paths", ...operation, "parameters"]);
  for (const parameter of parameters ?? []) {
    const name = parameter.get("name");
    if (parameter.get("in") !== "header" || !(name in offered)) continue;
    const place = `${method} ${template} ${name}`;
    const written = specSelectors.parameterWithMetaByIdentity(operation, parameter).get("value");
    if (written && written !== filled.get(place)) continue; // the reader's own
    const value = offered[name]();
    if (value === undefined) continue;
    filled.set(place, value);
    specActions.changeParamByIdentity(operation, parameter, value);
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

// --- references ------------------------------------------------------------------------

// The document refers to its own components alone. Swagger UI's resolver, made for documents in
// many places, would go through all of it, for seconds, whenever an operation is opened.
const OwnReferences = () => ({
  fn: {
    resolveSubtree: async (document, path) => ({
      errors: [],
      spec: resolved(path.reduce((part, key) => part?.[key], document), document, []),
    }),
  },
});

function resolved(part, document, within) {
  if (Array.isArray(part)) return part.map((item) => resolved(item, document, within));
  if (part === null || typeof part !== "object") return part;
  const { $ref, ...beside } = part;
  if (typeof $ref !== "string")
    return Object.fromEntries(
      Object.entries(part).map(([key, value]) => [key, resolved(value, document, within)]),
    );
  if (within.includes($ref)) return part; // a schema that holds itself
  const target = $ref
    .slice("#/".length)
    .split("/")
    .reduce((found, key) => found[key], document);
  return { ...resolved(target, document, [...within, $ref]), ...beside };
}

// --- addresses of operations: #/tag/operation --------------------------------------------

// Swagger UI's own reading complains of every `_`, which our operations' names have.
const Addresses = () => ({
  statePlugins: {
    layout: {
      wrapActions: {
        parseDeepLinkHash: (_, { layoutActions }) => (hash) => {
          const [tag, operation] = hash.replace(/^#?!?\/?/, "").split("/");
          if (!tag) return;
          const section = ["operations-tag", tag];
          const place = operation ? ["operations", tag, operation] : section;
          layoutActions.show(section, true);
          layoutActions.show(place, true);
          layoutActions.scrollTo(place);
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
          onChange: ({ target }) => layoutActions.updateFilter(target.value || true),
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
      wrapSelectors: {
        isShown: (proceed) => (state, thing, unsaid) =>
          (typeof state.get("filter") === "string" && thing[0] === "operations-tag") ||
          proceed(thing, unsaid),
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

// What is here to be tried: the forms begin empty, for what an example was asked with is not what
// the reader means, and messages to receivers are nothing to send.
function forms({ webhooks, ...document }) {
  for (const path of Object.values(document.paths))
    for (const operation of Object.values(path))
      for (const parameter of operation.parameters ?? []) delete parameter.example;
  return document;
}

async function start() {
  const answer = await fetch("/openapi.json");
  ui = SwaggerUIBundle({
    dom_id: "#swagger-ui",
    spec: forms(await answer.json()), // an address of it would be read as YAML, which takes far longer
    plugins: [Addresses, FilledHeaders, OwnReferences, SearchedOperations],
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

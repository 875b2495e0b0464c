// Starts Redoc over this service's document.
"use strict";

const SANS = 'system-ui, "Segoe UI", "Noto Sans", "Noto Sans SC", "DejaVu Sans", sans-serif';
const MONO = 'ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", monospace';

Redoc.init(
  "/openapi.json",
  {
    hideDownloadButtons: true,
    jsonSampleExpandLevel: 3,
    pathInMiddlePanel: true,
    requiredPropsFirst: true,
    sortPropsAlphabetically: false,
    theme: {
      colors: { primary: { main: "#0b5c8a" } },
      typography: {
        fontFamily: SANS,
        headings: { fontFamily: SANS },
        code: { fontFamily: MONO },
      },
    },
  },
  document.getElementById("redoc"),
);

/** Makes the page: dist/, or the folder of `--out`; `--serve` shows it and makes it anew at each change. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { context } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const { values } = parseArgs({
  options: { serve: { type: "boolean" }, out: { type: "string", default: join(here, "dist") } },
});
const api = new URL(process.env.TRIAL_API ?? "http://127.0.0.1:8000").origin;

await mkdir(values.out, { recursive: true });
const page = await readFile(join(here, "src/index.html"), "utf8");
await writeFile(join(values.out, "index.html"), page.replaceAll("{{api}}", api));

const work = await context({
  entryPoints: [join(here, "src/main.ts"), join(here, "src/style.css")],
  outdir: values.out,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  // The client as it stands in this repository, not as it was packed last.
  conditions: ["source"],
  logLevel: "warning",
});
if (values.serve) {
  await work.watch();
  const port = Number(process.env.PORT ?? 8080);
  await work.serve({ servedir: values.out, host: "127.0.0.1", port });
  console.log(`http://127.0.0.1:${port} shows the visits of ${api}`);
} else {
  await work.rebuild();
  await work.dispose();
}

/**
 * Turns files of YAML documents into one JSON list of objects: `integrate-objects.ts OUT FILE…`.
 *
 * A step of its own since its result can be kept: reading Argo CD's 1.4 MB of YAML takes longer
 * than the cluster takes to start, and the answer is the same for as long as the file is.
 */
import { readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { parseAllDocuments } from "yaml";

const [out = "", ...files] = process.argv.slice(2);
const objects: unknown[] = [];
for (const file of files.sort()) {
  for (const document of parseAllDocuments(await readFile(file, "utf8"))) {
    const error = document.errors[0];
    if (error !== undefined) {
      process.stderr.write(`reading ${basename(file)}: ${error.message.replace(/\s+/g, " ").trim()}\n`);
      process.exit(1);
    }
    const object: unknown = document.toJS();
    if (object !== null) objects.push(object);
  }
}
await writeFile(out, JSON.stringify(objects));

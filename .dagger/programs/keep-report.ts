/**
 * Draws a run's reports in every form and keeps them, with its evidence, in a folder of the run's own; beside the runs,
 * what later ones may take over:
 *
 *     keep-report.ts <run.json> <folder with the evidence> <folder of all runs>
 */
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sentenceOf } from "../src/lib/errors.ts";
import type { IntegrateVerdict } from "../src/lib/integrate-plan.ts";
import { type KeptProof, proofFolder, type ServiceAnswer } from "../src/lib/kept-answers.ts";
import { isShown, type ReportFile } from "../src/lib/page/bundle.ts";
import { redacted } from "../src/lib/redact.ts";
import { type KeptRun, reportFiles } from "../src/lib/report-files.ts";
import { renderSummary } from "../src/lib/report.ts";
import { isProgram } from "./is-program.ts";

/** A page that shows a longer file would be no page; such a file is linked. */
const MOST_BYTES = 1_000_000;
const MOST_ANSWERS = 200;

export async function keepReport(run: KeptRun, evidence: string, runs: string): Promise<void> {
  const folder = join(runs, run.report.runId);
  await mkdir(folder, { recursive: true });
  await cp(evidence, folder, { recursive: true });
  for (const [name, text] of Object.entries(await allForms(run, evidence))) await writeFile(join(folder, name), text);
  const answers = join(runs, "answers");
  await mkdir(answers, { recursive: true });
  await Promise.all(Object.entries(run.answers).map(async ([key, answer]) => await keep(answers, key, join(evidence, answer.image.service), "answer.json", answer)));
  await Promise.all(run.withdrawn.map(async (name) => await withdraw(answers, name)));
  if (run.proof !== undefined) await keep(answers, proofFolder(run.proof), join(evidence, "integrate"), "proof.json", run.proof);
  await forget(answers);
}

/** One folder an answer, whole or not there: a run that reads meanwhile sees no half of one. */
async function keep(answers: string, name: string, files: string, file: string, answer: ServiceAnswer | KeptProof): Promise<void> {
  const made = await mkdtemp(join(answers, ".new-"));
  await cp(files, made, { recursive: true });
  await writeFile(join(made, file), JSON.stringify(answer));
  await withdraw(answers, name);
  // Another run may just have kept the same.
  await rename(made, join(answers, name)).catch(async () => await rm(made, { recursive: true }));
}

/** Under another name first: whoever is killed on the way leaves no half of an answer. */
async function withdraw(answers: string, name: string): Promise<void> {
  const gone = await mkdtemp(join(answers, ".old-"));
  await rename(join(answers, name), join(gone, "answer")).catch(() => undefined);
  await rm(gone, { recursive: true, force: true });
}

/** The ones that were not asked for longest go; a service has a few questions a day. */
async function forget(answers: string): Promise<void> {
  const names = await readdir(answers);
  const used = await Promise.all(names.map(async (name) => ({ name, at: (await stat(join(answers, name)).catch(() => undefined))?.mtimeMs ?? 0 })));
  const old = used.sort((one, other) => other.at - one.at).slice(MOST_ANSWERS);
  await Promise.all(old.map(async ({ name }) => await withdraw(answers, name)));
}

/** A page that cannot be drawn must not cost a run its verdict, nor its evidence. */
async function allForms({ report, rendered }: KeptRun, evidence: string): Promise<Record<string, string>> {
  try {
    return reportFiles(report, await verdictIn(evidence), await filesIn(evidence), rendered);
  } catch (error) {
    return {
      "summary.md": renderSummary(report),
      "report.json": JSON.stringify(redacted(report), null, 2) + "\n",
      "report-failed.txt": `drawing the report: ${sentenceOf(error)}; this is a defect, please report it\n`,
    };
  }
}

async function filesIn(folder: string): Promise<ReportFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name).slice(folder.length).replace(/^\//, ""));
  return await Promise.all(paths.sort().map(async (path): Promise<ReportFile> => {
    const { size: bytes } = await stat(join(folder, path));
    return { path, bytes, ...(isShown(path) && bytes <= MOST_BYTES ? { text: await readFile(join(folder, path), "utf8") } : {}) };
  }));
}

/** What `integrate` saw; a proof that failed early leaves none, or a part of one. */
async function verdictIn(folder: string): Promise<IntegrateVerdict | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, "integrate/verdict.json"), "utf8")) as IntegrateVerdict;
  } catch {
    return undefined;
  }
}

if (isProgram(import.meta.url)) {
  const [file = "", evidence = "", runs = ""] = process.argv.slice(2);
  await keepReport(JSON.parse(await readFile(file, "utf8")) as KeptRun, evidence, runs);
}

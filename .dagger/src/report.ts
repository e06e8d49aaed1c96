import type { Directory } from "@dagger.io/dagger";
import { keepEvidence } from "./evidence.ts";
import { type ServiceChange, type SourceHistory, fileChanges, releasedState } from "./lib/changes.ts";
import type { Tree } from "./lib/edits.ts";
import type { Environment } from "./lib/environments.ts";
import { sentenceOf } from "./lib/errors.ts";
import type { HistoryRange } from "./lib/gitops-io.ts";
import type { IntegrateVerdict } from "./lib/integrate-plan.ts";
import { type ReportFile, isShown } from "./lib/page/bundle.ts";
import { redacted } from "./lib/redact.ts";
import { reportFiles } from "./lib/report-files.ts";
import { type ImageReport, type RunReport, renderSummary } from "./lib/report.ts";
import type { Prepared } from "./pipeline.ts";
import { SHARED, sourceHistories } from "./revision.ts";
import type { Workshop } from "./settings.ts";
import { debian } from "./toolbox.ts";

/** A page that shows a longer file would be no page; such a file is linked. */
const MOST_BYTES = 1_000_000;

/** Keeps the run in every form beside its evidence, where `report --run` finds it. */
export async function keepReport(workshop: Workshop, report: RunReport, evidence: Directory, rendered: Tree): Promise<void> {
  let folder = evidence;
  for (const [path, text] of Object.entries(await allForms(report, evidence, rendered))) folder = folder.withNewFile(path, text);
  await keepEvidence(debian(workshop.context), report.runId, folder);
}

/** A page that cannot be drawn must not cost a run its verdict, nor its evidence. */
async function allForms(report: RunReport, evidence: Directory, rendered: Tree): Promise<Record<string, string>> {
  try {
    const [files, verdict] = await Promise.all([describe(evidence), readVerdict(evidence)]);
    return reportFiles(report, verdict, files, rendered);
  } catch (error) {
    return {
      "summary.md": renderSummary(report),
      "report.json": JSON.stringify(redacted(report), null, 2) + "\n",
      "report-failed.txt": `drawing the report: ${sentenceOf(error)}; this is a defect, please report it\n`,
    };
  }
}

async function describe(folder: Directory): Promise<ReportFile[]> {
  const paths = (await folder.glob("**/*")).filter((path) => !path.endsWith("/")).sort();
  return await Promise.all(paths.map(async (path): Promise<ReportFile> => {
    const file = folder.file(path);
    const bytes = await file.size();
    return { path, bytes, ...(isShown(path) && bytes <= MOST_BYTES ? { text: await file.contents() } : {}) };
  }));
}

/** What `integrate` saw; a proof that failed early leaves none, or a part of one. */
async function readVerdict(folder: Directory): Promise<IntegrateVerdict | undefined> {
  if (!(await folder.exists("integrate/verdict.json"))) return undefined;
  try {
    return JSON.parse(await folder.file("integrate/verdict.json").contents()) as IntegrateVerdict;
  } catch {
    return undefined;
  }
}

/** The source's commits since each service's last release in the environment; asked only where the revision differs. */
export async function historiesOf(workshop: Workshop, prepared: Prepared, env: Environment): Promise<Record<string, SourceHistory>> {
  const ranges: Record<string, HistoryRange> = {};
  for (const { spec, folder } of prepared.services) {
    const from = releasedState(prepared.tip?.files ?? {}, env, spec.name)?.sourceRevision;
    const to = prepared.revisions.get(spec.name)!.revision.replace(/-dirty$/, "");
    if (from !== undefined && from !== to) ranges[spec.name] = { from, to, paths: [folder, ...SHARED] };
  }
  try {
    return await sourceHistories(await workshop.tools(), workshop.settings.source, ranges);
  } catch (error) {
    // A report without its commits is still a report.
    const note = sentenceOf(error);
    return Object.fromEntries(Object.keys(ranges).map((service) => [service, { commits: [], total: 0, note }]));
  }
}

/** What the run changes in the environment; files only where an image was published, since manifests name its digest. */
export function changesOf(
  prepared: Prepared, env: Environment, rendered: Tree, images: readonly ImageReport[], histories: Record<string, SourceHistory>,
): ServiceChange[] {
  const tip = prepared.tip?.files ?? {};
  return prepared.services.map(({ spec: { name } }) => {
    const { revision, version } = prepared.revisions.get(name)!;
    const from = releasedState(tip, env, name);
    const digest = images.find(({ service }) => service === name)?.digest;
    return {
      service: name,
      ...(from ? { from } : {}),
      to: { version, sourceRevision: revision, ...(digest === undefined ? {} : { digest }) },
      ...(histories[name] ?? { commits: [], total: 0 }),
      files: digest !== undefined && Object.keys(rendered).length > 0 ? fileChanges(tip, rendered, env, name) : [],
    };
  }).sort((one, other) => (one.service < other.service ? -1 : 1));
}

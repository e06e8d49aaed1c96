import { type ServiceChange, type SourceHistory, fileChanges, releasedState } from "./lib/changes.ts";
import type { Tree } from "./lib/edits.ts";
import type { Environment } from "./lib/environments.ts";
import { sentenceOf } from "./lib/errors.ts";
import type { HistoryRange } from "./lib/gitops-io.ts";
import type { ImageReport } from "./lib/report.ts";
import type { Prepared } from "./prepare.ts";
import { SHARED, sourceHistories } from "./revision.ts";
import type { Workshop } from "./settings.ts";

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

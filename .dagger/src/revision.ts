import type { Directory } from "@dagger.io/dagger";
import { EXCEPTIONS } from "./lib/vex.ts";
import { programContainer, runProgram, type GitOpsTools } from "./gitops.ts";
import type { HistoryInput, HistoryRange, HistoryResult, RevisionInput, RevisionResult } from "./lib/gitops-io.ts";

/** What decides an image or its manifests besides the service's own folder. */
export const SHARED = ["k8s/base", ".dagger/locks", ".dagger/recipes"];

export interface RevisionOptions {
  /** The whole checkout, with `.git`. What it leaves out of the tracked files counts as removed, hence as dirty. */
  source: Directory;
  /** Service name to its folder. */
  services: Record<string, string>;
  /** Inputs that all services share: the base that manifests are rendered from, the pipeline itself. */
  shared: string[];
}

/**
 * For each service the last commit that touched its inputs, and whether they differ from it. It depends on the
 * checkout alone, so Dagger keeps the answer for an unchanged one.
 */
export async function sourceRevisions(tools: GitOpsTools, { source, services, shared }: RevisionOptions): Promise<RevisionResult> {
  const input: RevisionInput = { source: "/checkout", services, shared, stated: [EXCEPTIONS] };
  const container = programContainer(tools).withMountedDirectory(input.source, source);
  return await runProgram(container, "source-revision", input, "finding the source revision");
}

/** The commits between the revision that an environment runs and the one that comes, for each service named. */
export async function sourceHistories(tools: GitOpsTools, source: Directory, ranges: Record<string, HistoryRange>): Promise<HistoryResult> {
  if (Object.keys(ranges).length === 0) return {};
  const input: HistoryInput = { source: "/checkout", ranges };
  const container = programContainer(tools).withMountedDirectory(input.source, source);
  return await runProgram(container, "source-history", input, "listing the source's commits since the last release");
}

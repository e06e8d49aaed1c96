import type { Directory } from "@dagger.io/dagger";
import { programContainer, runProgram, type GitOpsTools } from "./gitops.ts";
import type { RevisionInput, RevisionResult } from "./lib/gitops-io.ts";

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
  const input: RevisionInput = { source: "/checkout", services, shared };
  const container = programContainer(tools).withMountedDirectory(input.source, source);
  return await runProgram(container, "source-revision", input, "finding the source revision");
}

import { parseAllDocuments } from "yaml";
import type { Tree } from "../edits.ts";
import type { IntegrateVerdict } from "../integrate-plan.ts";
import type { RunReport } from "../report.ts";
import { SEALED_FILE } from "../sealed.ts";

/** What one run can show of itself. */
export interface Facts {
  run: RunReport;
  /** What the proof's cluster showed, where it came to that. */
  verdict?: IntegrateVerdict;
  /** Everything that was rendered for the services of this run. */
  manifests: Manifest[];
}

export interface Manifest {
  /** In the GitOps repository. */
  path: string;
  kind: string;
  name: string;
  namespace: string;
  object: Record<string, unknown>;
}

export type Verdict = "holds" | "does-not-hold" | "not-applicable";

/** What this run says about a control. Each sentence names where it can be looked up. */
export interface Judgement {
  verdict: Verdict;
  evidence: string[];
}

export type Judge = (facts: Facts) => Judgement;

/** One requirement of a framework, and how it is judged. */
export interface Control {
  id: string;
  title: string;
  judge: Judge;
}

export interface Framework {
  name: string;
  version: string;
  controls: Control[];
}

export const holds = (...evidence: string[]): Judgement => ({ verdict: "holds", evidence });
export const fails = (...evidence: string[]): Judgement => ({ verdict: "does-not-hold", evidence });

/** What no run can show, or what there is none of. */
export const notApplicable = (why: string): Judge => () => ({ verdict: "not-applicable", evidence: [why] });
/** What is known not to be done. */
export const never = (why: string): Judge => () => fails(why);

/** Holds when all do; what speaks against it is told first. Parts that do not apply count as nothing. */
export function all(...judges: Judge[]): Judge {
  return (facts) => {
    const parts = judges.map((judge) => judge(facts)).filter(({ verdict }) => verdict !== "not-applicable");
    const against = parts.filter(({ verdict }) => verdict === "does-not-hold");
    const counted = against.length > 0 ? against : parts;
    if (counted.length === 0) return { verdict: "not-applicable", evidence: ["none of its parts applies to this run"] };
    return { verdict: against.length > 0 ? "does-not-hold" : "holds", evidence: counted.flatMap(({ evidence }) => evidence) };
  };
}

/** The manifests below `env/<env>/<service>/`, encrypted secrets left out, which are none before they are decrypted; what else the repository holds is the platform's. */
export function manifestsIn(tree: Tree): Manifest[] {
  return Object.entries(tree)
    .filter(([path]) => /^env\/[^/]+\/[^/]+\/manifests\/.*\.ya?ml$/.test(path) && !path.endsWith(`/${SEALED_FILE}`))
    .flatMap(([path, text]) => parseAllDocuments(text, { version: "1.1" }).flatMap((document) => {
      const object = document.errors.length > 0 ? null : (document.toJS() as Record<string, unknown> | null);
      if (object === null) return [];
      const { name = "", namespace = "" } = (object["metadata"] ?? {}) as { name?: string; namespace?: string };
      const kind = typeof object["kind"] === "string" ? object["kind"] : "";
      return [{ path, kind, name, namespace, object }];
    }));
}

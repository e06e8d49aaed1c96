import { plural } from "../errors.ts";
import type { ScanReport, StageResult } from "../report.ts";
import { stageTitle } from "../report.ts";
import { type Facts, fails, holds, type Judge, type Judgement, type Manifest } from "./model.ts";

/** Every stage of that name came to its end and passed, or an earlier verdict answered for it. */
export function stage(name: string): Judge {
  return ({ run }) => {
    const stages = run.stages.filter((one) => one.name === name);
    if (stages.length === 0) return fails(`stage ${name}: not part of this run`);
    const open = stages.filter(({ status }) => status !== "passed" && status !== "reused");
    return open.length > 0 ? fails(...open.map(said)) : holds(...stages.map(said));
  };
}

function said(one: StageResult): string {
  const reused = one.original === undefined ? "" : ` (verdict of ${one.original.at})`;
  return `stage ${stageTitle(one)} ${one.status}: ${one.detail.split("\n")[0]!}${reused}`;
}

/** Each image was looked at for it, and no finding of these ids counts. `covered` is a part of what the scan says it looked at. */
export function noFinding(ids: readonly string[], covered: string): Judge {
  return perScan((scan) => {
    if (!scan.covered.some((sentence) => sentence.includes(covered))) return fails(`scan of ${scan.service}: did not look at ${covered}`);
    const found = scan.findings.filter(({ id, exception }) => exception === undefined && ids.some((wanted) => id.startsWith(wanted)));
    return found.length > 0
      ? fails(...found.map(({ id, location, file }) => `scan of ${scan.service}: ${id}${location === undefined ? "" : ` (${location})`}${file === undefined ? "" : ` in ${file}`}`))
      : holds(`scan of ${scan.service}: looked at ${scan.covered.find((sentence) => sentence.includes(covered))!}, found none`);
  });
}

/** The gate's own answer on each image. */
export const gatePassed: Judge = perScan((scan) => (scan.gate.passed ? holds(scan.gate.sentence) : fails(scan.gate.sentence)));

/** Nothing that an image is made of was left without a comparison. */
export const everythingCompared: Judge = perScan((scan) => {
  const open = scan.notCovered.filter((sentence) => /package|binar|weakness/i.test(sentence));
  return open.length > 0 ? fails(`scan of ${scan.service}: not covered: ${open.join("; ")}`) : holds(`scan of ${scan.service}: ${scan.covered.join("; ")}`);
});

export function perScan(judge: (scan: ScanReport) => Judgement): Judge {
  return ({ run }) => {
    const judged = run.scans.map(judge);
    const missing = run.stages.filter(({ name, status, service }) => name === "scan" && status !== "passed" && status !== "reused" && !run.scans.some((scan) => scan.service === service));
    if (judged.length === 0 || missing.length > 0) return fails("stage scan: gave no answer for every image in this run");
    const against = judged.filter(({ verdict }) => verdict === "does-not-hold");
    return (against.length > 0 ? fails : holds)(...(against.length > 0 ? against : judged).flatMap(({ evidence }) => evidence));
  };
}

/** Every image of the run has something verified whose sentence contains these words. */
export function attested(words: string): Judge {
  return ({ run: { images, signing } }) => {
    if (images.length === 0) return fails("stage publish: no image in this run");
    const open = images.filter(({ digest }) => !signing.images.some((one) => one.digest === digest && one.checks.some((check) => check.includes(words))));
    if (open.length > 0) return fails(...open.map(({ service, digest }) => `${service} (${digest}): nothing attached that shows it. ${signing.notes.join(" ")}`));
    return holds(...images.map(({ service, digest }) => `stage sign of ${service}: ${signing.images.find((one) => one.digest === digest)!.checks.find((check) => check.includes(words))!}`));
  };
}

interface Pod {
  containers?: Container[];
  initContainers?: Container[];
  [field: string]: unknown;
}

export interface Container {
  name?: string;
  securityContext?: Record<string, unknown>;
  [field: string]: unknown;
}

/** Every container of every rendered workload is so; `words` say how. */
export function containers(words: string, is: (container: Container, pod: Pod) => boolean): Judge {
  return pods(words, (pod) => {
    const found = [...(pod.containers ?? []), ...(pod.initContainers ?? [])];
    return found.length > 0 && found.every((container) => is(container, pod));
  });
}

/** Every pod that a rendered workload makes is so. */
export function pods(words: string, is: (pod: Pod) => boolean): Judge {
  return (facts) => judgeEach(facts.manifests.filter((one) => podOf(one) !== undefined), "workload", words, (one) => is(podOf(one)!));
}

/** Every rendered object of a kind is so; without one, nothing was shown. */
export function objects(kind: string, words: string, is: (object: Manifest) => boolean): Judge {
  return (facts) => judgeEach(facts.manifests.filter((one) => one.kind === kind), kind, words, is);
}

export function judgeEach(found: readonly Manifest[], noun: string, words: string, is: (one: Manifest) => boolean): Judgement {
  if (found.length === 0) return fails(`manifests: no ${noun} was rendered in this run`);
  const open = found.filter((one) => !is(one));
  return open.length > 0
    ? fails(...open.map((one) => `${one.path}: ${one.kind} ${one.name}: not so: ${words}`))
    : holds(...found.map((one) => `${one.path}: ${one.kind} ${one.name}: ${words}`));
}

export function podOf({ object }: Manifest): Pod | undefined {
  return (object["spec"] as { template?: { spec?: Pod } } | undefined)?.template?.spec;
}

/** The proof's cluster refused it when it was tried, by admission policy. */
export function refused(...cases: string[]): Judge {
  return ({ verdict }: Facts) => {
    const tried = verdict?.policies;
    if (tried === undefined) return fails("integrate/verdict.json: no admission policy was tried on the cluster");
    const open = cases.filter((one) => !tried.includes(`refuses ${one}`));
    return open.length > 0
      ? fails(...open.map((one) => `integrate/verdict.json: the cluster was not seen to refuse ${one}`))
      : holds(...cases.map((one) => `integrate/verdict.json: the cluster refuses ${one}`));
  };
}

/** The proof's cluster ran the digests, and how many of its pods. */
export const ranByDigest: Judge = ({ verdict }) => {
  if (verdict === undefined || !verdict.passed) return fails("integrate/verdict.json: nothing was proven on a cluster in this run");
  return holds(...verdict.services.map(({ name, digest, pods: seen }) => `integrate/verdict.json: ${plural(seen.length, "pod")} of ${name} ran ${digest}`));
};

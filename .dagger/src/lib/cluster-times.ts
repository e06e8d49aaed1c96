import type { StepTime } from "./integrate-plan.ts";

/** What a cluster told of its own start. */
export interface ClusterTimes {
  /** Its steps, each with the seconds since the cluster's start at which it was done. */
  steps: StepTime[];
  /** Seconds from the cluster's start to the proof's; to about a second, since Kubernetes keeps no less. */
  leadSeconds: number;
}

/** The ConfigMap that says that all of the cluster is ready; other players of the role have none. */
export interface ReadyMarker {
  metadata: { creationTimestamp?: string };
  data?: { timings?: string };
}

/** Reads the marker: lines of `seconds step`. Nothing where it is missing or says nothing. */
export function clusterTimes(marker: ReadyMarker | undefined, proofStarted: Date): ClusterTimes | undefined {
  const lines = (marker?.data?.timings ?? "").split("\n").map((line) => /^(\d+(?:\.\d+)?) (.+)$/.exec(line.trim()));
  const steps = lines.filter((line) => line !== null).map((line): StepTime => ({ name: line[2]!, seconds: Number(line[1]) }));
  const made = Date.parse(marker?.metadata.creationTimestamp ?? "");
  const ready = steps.at(-1)?.seconds;
  if (ready === undefined || Number.isNaN(made)) return undefined;
  // Written right after the last step; the half second is the middle of what was cut off.
  const started = made + 500 - ready * 1000;
  return { steps, leadSeconds: Math.max(0, Math.round((proofStarted.getTime() - started) / 100) / 10) };
}

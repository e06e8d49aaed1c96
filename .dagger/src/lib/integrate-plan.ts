import type { ClusterTimes } from "./cluster-times.ts";

/** What `integrate` is asked to prove; written for the program that runs beside the cluster. */
export interface IntegratePlan {
  /** Identifies the question: equal ids mean equal inputs, so an earlier verdict answers it. */
  id: string;
  env: string;
  gitops: { url: string; revision: string };
  services: ExpectedService[];
  timeouts: IntegrateTimeouts;
  /** The public key whose signatures the cluster demands; left out where it verifies none. */
  demandedKey?: string;
}

/** What must be seen running for one service. */
export interface ExpectedService {
  name: string;
  digest: string;
  sourceRevision: string;
  health: string;
  ready: string;
  version: string;
}

/** Limits in seconds, one for each wait. */
export interface IntegrateTimeouts {
  /** Until the API server answers. */
  api: number;
  /** Until Argo CD's workloads are available. */
  argocd: number;
  /** Until the ApplicationSet made every Application. */
  applications: number;
  /** Until every Application is proven at the revision. */
  sync: number;
  /** Until a service answers through its Service. */
  answer: number;
  /** Until a deliberate drift is undone. */
  drift: number;
  /** How long an error that could pass by itself is given before it counts as the cause. */
  stable: number;
  /** How long what was proven is watched for a process that ends after all; 0: not at all. */
  soak: number;
}

export const DEFAULT_TIMEOUTS: IntegrateTimeouts = {
  api: 120,
  argocd: 240,
  applications: 90,
  sync: 240,
  answer: 60,
  drift: 90,
  stable: 25,
  soak: 0,
};

export interface StepTime {
  name: string;
  seconds: number;
  /** Seconds since the proof's start at which the step began; left out where only its end is known. */
  at?: number;
}

/** What was found for one service. */
export interface ServiceFacts {
  name: string;
  digest: string;
  sourceRevision: string;
  application: { revision: string; reconciledAt: string; operationFinishedAt: string };
  pods: { name: string; imageIDs: string[] }[];
  answers: { path: string; status: number; seconds: number }[];
  reportedVersion: Record<string, unknown>;
  drift: { change: string; healedSeconds: number }[];
}

/** The content of `verdict.json`. */
export interface IntegrateVerdict {
  id: string;
  passed: boolean;
  verifiedAt: string;
  env: string;
  gitopsRevision: string;
  kubernetes: string;
  seconds: number;
  steps: StepTime[];
  /** The cluster's own start, where it tells of it. */
  cluster?: ClusterTimes;
  services: ServiceFacts[];
  /** What the cluster refused when it was tried; left out where the GitOps repository brings no policies. */
  policies?: string[];
  /** Why not, when it did not pass. */
  cause?: string;
}

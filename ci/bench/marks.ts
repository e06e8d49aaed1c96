/** A moment within a run, as its evidence tells it. */
export interface Mark {
  name: string
  title: string
  seconds: number
}

interface Step {
  name: string
  seconds: number
  /** Seconds since the proof's start at which it began. */
  at?: number
}

/** What a proof's verdict says of its steps: the file `verdict.json` of a report. */
export interface Timings {
  steps?: Step[]
  /** What the cluster told of its own start, in seconds since that start, and how long before the proof that was. */
  cluster?: { steps: Step[]; leadSeconds: number }
}

/**
 * The moments that people ask for, out of a proof's verdict. All count from the cluster's start, except the sync,
 * which counts from the moment when Argo CD is told of the repository. What a revision does not tell is left out.
 */
export function marksOf({ steps = [], cluster }: Timings): Mark[] {
  const lead = cluster?.leadSeconds ?? 0
  const marks: Mark[] = []
  const add = (name: string, title: string, seconds: number | undefined): void => {
    if (seconds !== undefined) marks.push({ name, title, seconds })
  }
  const told = (pattern: RegExp): number | undefined => cluster?.steps.find(({ name }) => pattern.test(name))?.seconds
  const since = (end: number | undefined): number | undefined => (end === undefined ? undefined : lead + end)
  const synced = endOf(steps, /^synced and healthy$/i)
  const begun = beginOf(steps, /applicationset/i)
  add("cluster-api", "cluster API answers", told(/api server/i) ?? since(endOf(steps, /cluster api/i)))
  add("node-ready", "node Ready", told(/node.*ready/i))
  add("argocd", "Argo CD ready", since(endOf(steps, /argo ?cd.*available/i)))
  add("synced", "cluster, Argo CD, Synced and Healthy", since(synced))
  if (synced !== undefined && begun !== undefined) add("sync", "push to Synced and Healthy", synced - begun)
  return marks
}

/** Steps of older revisions tell only how long they took, and followed one another. */
function beginOf(steps: readonly Step[], pattern: RegExp): number | undefined {
  const at = steps.findIndex(({ name }) => pattern.test(name))
  return at < 0 ? undefined : (steps[at]!.at ?? steps.slice(0, at).reduce((total, { seconds }) => total + seconds, 0))
}

function endOf(steps: readonly Step[], pattern: RegExp): number | undefined {
  const begin = beginOf(steps, pattern)
  return begin === undefined ? undefined : begin + steps.find(({ name }) => pattern.test(name))!.seconds
}

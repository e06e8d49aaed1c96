import { dag, type Container, type Directory } from "@dagger.io/dagger";
import { randomBytes, randomUUID } from "node:crypto";
import type { GitOpsTools } from "./gitops.ts";
import { EVIDENCE_VOLUME } from "./integrate.ts";
import { MODULE } from "./integrate-program.ts";
import { UserError } from "./lib/errors.ts";
import type { KeptRun } from "./lib/report-files.ts";

const EVIDENCE = "/evidence";
const RUN_ID = /^[0-9]{8}-[0-9]{6}-[0-9a-f]{4}$/;

/** Names a run for people and for sorting: its UTC time, and four digits against a second one of that second. */
export function newRunId(now = new Date()): string {
  const time = now.toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  return `${time}-${randomBytes(2).toString("hex")}`;
}

/**
 * Keeps a run in every form beside its evidence, where `report --run` finds it: a failed call hands nothing out
 * itself. One exec draws and keeps: each file that the engine is asked about takes its time.
 */
export async function keepReport({ tools, module }: GitOpsTools, run: KeptRun, evidence: Directory): Promise<void> {
  const programs = tools
    .withDirectory("/golden-path", module, { include: ["programs/keep-report.ts", "programs/is-program.ts", "src/lib/**/*.ts"] })
    .withNewFile("/golden-path/package.json", MODULE);
  await volume(programs)
    .withMountedDirectory("/reports", evidence)
    .withNewFile("/run.json", JSON.stringify(run))
    .withExec(["node", "/golden-path/programs/keep-report.ts", "/run.json", "/reports", EVIDENCE])
    .sync();
}

/** All reports of a run; without an id those of the last run. */
export async function readEvidence(shell: Container, runId: string): Promise<Directory> {
  if (runId !== "" && !RUN_ID.test(runId)) {
    throw new UserError(`--run: "${runId}" is no run id; they look like 20261122-031500-ab12 and stand in every summary`);
  }
  const script = `
cd ${EVIDENCE}
run=\${1:-$(ls -d [0-9]*-*-* 2>/dev/null | sort | tail -n 1)}
mkdir -p /out
if [ -n "$run" ] && [ -d "$run" ]; then cp -R "$run/." /out/; else ls -d [0-9]*-*-* 2>/dev/null | sort | tail -n 5 > /missing || true; fi
`;
  const read = volume(shell).withExec(["sh", "-c", script, "read", runId]);
  const out = read.directory("/out");
  if ((await out.entries()).length > 0) return out;
  const known = await read.file("/missing").contents();
  const last = known.trim() === "" ? "this engine has none yet" : `the last ones are ${known.trim().split("\n").join(", ")}`;
  throw new UserError(`reading the reports of run ${runId || "(the last)"}: this engine keeps none under that id; ${last}`);
}

function volume(shell: Container): Container {
  // What a cache volume holds is no part of any cache key, so the answer must not be cached.
  return shell.withMountedCache(EVIDENCE, dag.cacheVolume(EVIDENCE_VOLUME)).withEnvVariable("GOLDEN_PATH_NONCE", randomUUID());
}

import { dag, type Container, type Directory } from "@dagger.io/dagger";
import { randomBytes, randomUUID } from "node:crypto";
import { EVIDENCE_VOLUME } from "./integrate.ts";
import { UserError } from "./lib/errors.ts";

const EVIDENCE = "/evidence";
const RUN_ID = /^[0-9]{8}-[0-9]{6}-[0-9a-f]{4}$/;

/** Names a run for people and for sorting: its UTC time, and four digits against a second one of that second. */
export function newRunId(now = new Date()): string {
  const time = now.toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  return `${time}-${randomBytes(2).toString("hex")}`;
}

/** Keeps a run's reports where `report --run` finds them: a failed call hands nothing out itself. */
export async function keepEvidence(shell: Container, runId: string, reports: Directory): Promise<void> {
  await volume(shell)
    .withMountedDirectory("/reports", reports)
    .withExec(["sh", "-ec", `mkdir -p "${EVIDENCE}/$1" && cp -R /reports/. "${EVIDENCE}/$1/"`, "keep", runId])
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

/** A writer that is killed at a step: `tsx killed-writer.ts <promote|rollback|lift|write> <input.json> <step>`. */
import { readFileSync } from "node:fs";
import { lift } from "../../../.dagger/programs/gitops-lift.ts";
import { promote } from "../../../.dagger/programs/gitops-promote.ts";
import { rollback } from "../../../.dagger/programs/gitops-rollback.ts";
import { write } from "../../../.dagger/programs/gitops-write.ts";
import { EFFECTS, type Effects } from "../../../.dagger/programs/gitops-writer.ts";

const WRITERS: Record<string, (input: never, effects: Effects) => Promise<unknown>> = { lift, promote, rollback, write };
const [kind, file, step] = process.argv.slice(2) as [string, string, string];
const at: Effects["at"] = (reached) => {
  if (reached !== step) return;
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => undefined);
};
await WRITERS[kind]!(JSON.parse(readFileSync(file, "utf8")) as never, { ...EFFECTS, at });

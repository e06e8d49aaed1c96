import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Whether the file is the one that node was started with, rather than imported by a test. */
export function isProgram(moduleUrl: string): boolean {
  const started = process.argv[1];
  return started !== undefined && realpathSync(started) === fileURLToPath(moduleUrl);
}

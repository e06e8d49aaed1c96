import { spawn } from "node:child_process";
import { ROOT } from "./helpers.ts";

/**
 * `npm test`: types, lint and unit tests beside one another. Each prints when
 * it ends, so that their lines do not mix; one failure fails the whole.
 */
const CHECKS = ["typecheck", "lint", "unit"];

interface Outcome {
  name: string;
  passed: boolean;
}

function run(name: string): Promise<Outcome> {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn("npm", ["run", "--silent", name], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    const output: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => output.push(chunk));
    const end = (ending: string) => {
      const passed = ending === "";
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      process.stdout.write(`${Buffer.concat(output).toString()}${name}: ${passed ? "passed" : `failed (${ending})`} in ${seconds} s\n`);
      resolve({ name, passed });
    };
    child.once("error", (error) => end(error.message));
    child.once("close", (code, signal) => end(code === 0 ? "" : (signal ?? `exit code ${code}`)));
  });
}

const outcomes = await Promise.all(CHECKS.map(run));
const failed = outcomes.filter((outcome) => !outcome.passed).map((outcome) => outcome.name);
if (failed.length > 0) {
  console.error(`npm test: ${failed.join(", ")} failed; see the lines above`);
  process.exitCode = 1;
}

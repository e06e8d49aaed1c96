/** What the GitOps programs share: `program INPUT.json [RESULT.json]`, the result also on stdout, progress on stderr. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { sentenceOf, UserError } from "../src/lib/errors.ts";
import type { Failure } from "../src/lib/gitops-io.ts";
import { GitError } from "./gitops-git.ts";

export async function runProgram<Input, Result>(main: (input: Input) => Promise<Result>): Promise<void> {
  const [inputFile, resultFile] = process.argv.slice(2);
  let result: Result | Failure;
  try {
    if (inputFile === undefined) throw new UserError("starting: no input was named; give the path of a JSON file");
    result = await main(JSON.parse(await readFile(inputFile, "utf8")) as Input);
  } catch (error) {
    const known = error instanceof UserError;
    const kind = error instanceof GitError ? error.kind : known ? "user" : "defect";
    result = { error: { kind, message: sentenceOf(error) } };
    console.error(known || !(error instanceof Error) ? sentenceOf(error) : error.stack);
    process.exitCode = 1;
  }
  const text = `${JSON.stringify(result, null, 2)}\n`;
  if (resultFile !== undefined) {
    await mkdir(dirname(resultFile), { recursive: true });
    await writeFile(resultFile, text);
  }
  process.stdout.write(text);
}

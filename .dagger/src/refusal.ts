import type { Container } from "@dagger.io/dagger";
import { CodedError, UserError } from "./lib/errors.ts";
import { execFailure } from "./lib/exec-error.ts";
import type { Context } from "./mirrors.ts";
import { debian } from "./toolbox.ts";

/**
 * A refusal with an exit code of its own. Dagger's CLI ends with the exit code of
 * the exec behind an error, so that exec's error is kept and told in other words.
 */
export class Refusal extends UserError {
  private readonly original: Error;

  constructor(sentence: string, original: Error) {
    super(sentence);
    this.original = original;
  }

  /** What a function throws: these words, that exit code. */
  as(message: string): Error {
    this.original.message = message;
    return this.original;
  }
}

/** The refusal that a program wrote to stdout, when an exec failed with one. */
export function refusalOf(error: unknown): Refusal | undefined {
  const failure = execFailure(error);
  if (failure === undefined) return undefined;
  try {
    const { refused } = JSON.parse(failure.stdout.trim().split("\n").at(-1) ?? "") as { refused?: { sentence?: string } };
    return refused?.sentence === undefined ? undefined : new Refusal(refused.sentence, error as Error);
  } catch {
    return undefined;
  }
}

/** Refuses with an exit code where the decision was made without a program. */
export async function refuse(context: Context, code: number, sentence: string): Promise<Refusal> {
  return await refuseIn(debian(context), code, sentence);
}

export async function refuseIn(tools: Container, code: number, sentence: string): Promise<Refusal> {
  try {
    await tools.withExec(["sh", "-c", `exit ${code}`]).sync();
  } catch (error) {
    if (error instanceof Error) return new Refusal(sentence, error);
  }
  throw new UserError(sentence);
}

/** Waits for something that may refuse with a code; such a refusal then ends the call with it. */
export async function coded<T>(context: Context, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof CodedError ? await refuse(context, error.code, error.message) : error;
  }
}

/** The result, or what a function throws: a refusal in its own words and with its own exit code. */
export async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof Refusal ? error.as(error.message) : error;
  }
}

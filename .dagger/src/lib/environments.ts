import { UserError, listOf } from "./errors.ts";
import { didYouMean } from "./suggest.ts";

/** The environments in the order in which a release passes through them. */
export const ENVIRONMENTS = ["dev", "stage", "prod"] as const;

export type Environment = (typeof ENVIRONMENTS)[number];

/** Reads the name of an environment as a person wrote it behind `--env`. */
export function parseEnvironment(text: string): Environment {
  return environmentNamed(text, "--env");
}

/** The same behind another option. */
export function environmentNamed(text: string, option: string): Environment {
  const known = ENVIRONMENTS.find((name) => name === text);
  if (known === undefined) {
    throw new UserError(
      `${option}: unknown environment "${text}"${didYouMean(text, ENVIRONMENTS)}; use ${listOf(ENVIRONMENTS, "or")}`,
    );
  }
  return known;
}

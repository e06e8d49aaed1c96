import { UserError } from "./errors.ts";

/** An image named by digest: the only form that everything after `build` accepts. */
export interface DigestReference {
  /** Registry and path, without tag. */
  repository: string;
  digest: string;
}

export const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Splits `registry/name@sha256:…`; a tag, alone or beside the digest, is refused. */
export function parseDigestReference(reference: string, doing: string): DigestReference {
  const [repository = "", digest, ...rest] = reference.split("@");
  if (digest === undefined || rest.length > 0 || !DIGEST.test(digest)) {
    throw new UserError(
      `${doing}: image "${reference}" is not named by digest; use <registry>/<name>@sha256:<64 hex digits>, since a tag can move`,
    );
  }
  if (repository === "" || /[\s:]/.test(repository.split("/").at(-1)!) || /\s/.test(repository)) {
    throw new UserError(`${doing}: image "${reference}" carries a tag or no name; use <registry>/<name>@${digest}`);
  }
  return { repository, digest };
}

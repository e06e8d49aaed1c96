/**
 * Which service a request to the one entry is for: `backend.localhost`, `backend`, or the path
 * `/-/backend/…`; whatever names none goes to the first. Names may have dots (`backend.dev`).
 */
export interface EntryRoute {
  /** Undefined: the list of all services is asked for. */
  name: string | undefined;
  /** The path and query to ask the service for. */
  path: string;
}

/** What stands behind a service's name, here and in an Ingress of the golden base. */
const DOMAINS = [".localhost", ".golden-path.internal"];
const LIST = "/-/";

export type EntryDecision = EntryRoute | { unknown: string };

export function routeOf(host: string, path: string, names: readonly string[], first: string | undefined): EntryDecision {
  const bare = host.toLowerCase().replace(/:\d+$/, "");
  const named = DOMAINS.reduce((text, domain) => (text.endsWith(domain) ? text.slice(0, -domain.length) : text), bare);
  if (names.includes(named)) return { name: named, path };
  if (named !== bare) return { unknown: named };
  if (path === LIST || path === LIST.slice(0, -1)) return { name: undefined, path };
  if (path.startsWith(LIST)) {
    const [, name = "", rest = ""] = /^\/-\/([^/?]+)(.*)$/.exec(path) ?? [];
    if (names.includes(name)) return { name, path: rest.startsWith("/") ? rest : `/${rest}` };
    return { unknown: name };
  }
  return first === undefined ? { unknown: "" } : { name: first, path };
}

import { createHash } from "node:crypto";
import type { Edit } from "./edits.ts";
import type { Remote } from "./gitops-io.ts";

/** A change on a branch of its own, since the branch itself takes no direct pushes. */
export interface Proposal {
  branch: string;
  commit: string;
  /** What a person does now. */
  advice: string;
}

/** Named by content: the same change proposed again finds its branch. */
export function proposalBranch(change: { edits: readonly Edit[]; message: string }): string {
  const [verb, env] = /^(\w+)\((\w+)\)/.exec(change.message)?.slice(1) ?? ["change", "all"];
  // Times and runs differ between two tries of one change; what is released, and which holds come and go, do not.
  const lasting = change.edits.map(({ path, content }) => (/^holds\/|\/record\.yaml$/.test(path) ? [path, content !== null] : [path, content]));
  return `golden-path/${verb}-${env}-${createHash("sha256").update(JSON.stringify(lasting)).digest("hex").slice(0, 12)}`;
}

export function proposalOf(remote: Remote, branch: string, commit: string, message: string): Proposal {
  const title = message.split("\n", 1)[0]!;
  const address = openAt(remote, branch, title);
  const where = address === undefined ? "on your Git server" : `at ${address}`;
  return { branch, commit, advice: `open a pull request from ${branch} to ${remote.branch} ${where}; merge it as it is, without squashing, so that its trailers stay` };
}

/** Where the known services begin a pull request. */
function openAt({ url, branch: base }: Remote, branch: string, title: string): string | undefined {
  const [, host, path] = /^(?:https:\/\/|ssh:\/\/)(?:[^@/]*@)?([^/:]+)(?::\d+)?\/(.+?)(?:\.git)?\/?$/.exec(url) ?? /^[\w.-]+@([^:/]+):(.+?)(?:\.git)?\/?$/.exec(url) ?? [];
  if (host === undefined || path === undefined) return undefined;
  const to = encodeURIComponent;
  if (host === "github.com") return `https://${host}/${path}/compare/${to(base)}...${to(branch)}?expand=1&title=${to(title)}`;
  if (/gitlab/.test(host)) return `https://${host}/${path}/-/merge_requests/new?merge_request%5Bsource_branch%5D=${to(branch)}&merge_request%5Btarget_branch%5D=${to(base)}`;
  return undefined;
}

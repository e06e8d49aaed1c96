import { dag } from "@dagger.io/dagger";
import type { Container, Directory, Service } from "@dagger.io/dagger";
import type { Tree } from "./lib/edits.ts";

/** A Git server on the pipeline's network, serving one commit that holds exactly the given tree. */
export interface GitServer {
  /** Bind as `git`. */
  service: Service;
  url: string;
  /** The commit; the same tree gives the same one. */
  revision: string;
}

export const GIT_ALIAS = "git";
const GIT_PORT = 9418;

const COMMIT = `
git init --quiet --bare --initial-branch=main /srv/gitops
export GIT_DIR=/srv/gitops GIT_WORK_TREE=/tree
git add --all --force
git -c commit.gpgsign=false commit --quiet --message 'The tree under test'
git rev-parse HEAD > /srv/revision
`;

/**
 * Serves `tree`. Author and date are fixed: a commit's name then depends on the tree alone, so
 * that an unchanged tree does not make an unchanged question look like a new one.
 */
export async function serveTree(git: Container, tree: Tree): Promise<GitServer> {
  const who = { NAME: "golden-path", EMAIL: "golden-path@localhost", DATE: "2000-01-01T00:00:00Z" };
  let committing = git.withMountedDirectory("/tree", treeDirectory(tree));
  for (const [field, value] of Object.entries(who)) {
    committing = committing.withEnvVariable(`GIT_AUTHOR_${field}`, value).withEnvVariable(`GIT_COMMITTER_${field}`, value);
  }
  const srv = committing.withExec(["sh", "-ec", COMMIT]).directory("/srv");
  const service = git
    .withDirectory("/srv", srv)
    .withExposedPort(GIT_PORT)
    .asService({ args: ["git", "daemon", "--base-path=/srv", "--export-all", "--reuseaddr", "/srv/gitops"] });
  const revision = (await srv.file("revision").contents()).trim();
  return { service, url: `git://${GIT_ALIAS}/gitops`, revision };
}

/** Files from their text: nothing but content decides what Dagger takes for the same directory. */
export function treeDirectory(tree: Tree): Directory {
  let directory = dag.directory();
  for (const path of Object.keys(tree).sort()) directory = directory.withNewFile(path, tree[path] ?? "");
  return directory;
}

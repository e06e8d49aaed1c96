/**
 * What programs are given: all that they import, which a test holds against their imports, and nothing else, since
 * another file of the module must not change what is asked with them.
 */

/** What the proof's program imports besides `programs/integrate*.ts`. */
export const INTEGRATE_LIBRARY: readonly string[] = [
  "argocd-install", "cluster-times", "errors", "health", "kube", "policy-cases", "redact", "signature-policy", "signing", "wait",
].map((name) => `src/lib/${name}.ts`);

const PROGRAMS = [
  "entry-forward", "gitops-git", "gitops-program", "gitops-repo", "gitops-rollback", "gitops-writer", "integrate-api", "integrate-explain",
  "integrate-install", "integrate-progress", "integrate-signatures", "integrate-sync", "is-program", "platform", "platform-follow", "platform-git", "platform-own",
  "platform-demand", "platform-pods", "platform-recover", "platform-tunnel",
];
const LIBRARY = [
  "argocd-install", "backoff", "commit-message", "decrypt", "edits", "entry-route", "environments", "errors", "git-rejection", "health", "holds",
  "image-reference", "integrate-plan", "kube", "local-platform", "manifests", "network", "proposal", "quantity", "record", "recovery", "release",
  "release-source", "rollback", "sealed", "service-spec", "signature-policy", "signing", "standing", "suggest", "surroundings", "team-project", "threshold", "trailers", "wait", "yaml-fields",
];

/** Everything that the local platform's program imports. */
export const PLATFORM_FILES: readonly string[] = [...PROGRAMS.map((name) => `programs/${name}.ts`), ...LIBRARY.map((name) => `src/lib/${name}.ts`)];

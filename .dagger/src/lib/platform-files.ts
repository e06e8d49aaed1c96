/** Everything that the platform's program imports, as a test holds against its imports; another file of the module must not change it. */
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

export const PLATFORM_FILES: readonly string[] = [...PROGRAMS.map((name) => `programs/${name}.ts`), ...LIBRARY.map((name) => `src/lib/${name}.ts`)];

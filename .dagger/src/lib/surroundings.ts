/** In each environment, written by whoever runs the cluster: what a service cannot know of its surroundings. */
export const SURROUNDINGS = { configMap: "golden-path", gitopsRepository: "gitops-repository" };

/** The variable under which a service with access to `gitops` gets the repository's address. */
export const GITOPS_REPOSITORY = "GITOPS_REPOSITORY";

/** On the pods that ask for it: whoever runs the cluster lets them reach the Git server that is named to them. */
export const GITOPS_LABEL = "golden-path/access-gitops";

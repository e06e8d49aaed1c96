import { containers, everythingCompared, gatePassed, noFinding, perScan, pods, stage } from "./judges.ts";
import { all, fails, type Framework, holds, type Judge, notApplicable } from "./model.ts";

const NO_DOCKERFILE = "no Dockerfile is used; the pipeline assembles the image's layers itself";
const SETTLED = "how it runs";

/** Every part of a distroless image is named in the report. */
const layersNamed: Judge = ({ run: { images } }) => {
  if (images.length === 0) return fails("stage publish: no image in this run");
  const open = images.filter(({ layers }) => layers.length === 0 || !layers.some(({ title }) => title.includes("locked")));
  return open.length > 0
    ? fails(...open.map(({ service }) => `report.json: the layers of ${service} do not say what they are made of`))
    : holds(...images.map(({ service, layers }) => `report.json: layers of ${service}: ${layers.map(({ title }) => title).join("; ")}`));
};

const signed: Judge = ({ run: { signing, images } }) => {
  const open = images.filter(({ digest }) => !signing.images.some((one) => one.digest === digest));
  return images.length === 0 || open.length > 0
    ? fails(`report.json: ${signing.notes.join(" ") || "nothing was signed"}`)
    : holds(...signing.images.map(({ service, digest }) => `stage sign of ${service}: signature of ${digest}`));
};

const security = (field: string, value: unknown): Judge =>
  containers(`${field} is ${JSON.stringify(value)}`, ({ securityContext }) => securityContext?.[field] === value);

interface Mounted { hostPath?: unknown }

/** Section 4 on images, and of section 5 what a Kubernetes manifest says in place of `docker run`. */
export const CIS_DOCKER: Framework = {
  name: "CIS Docker Benchmark",
  version: "1.6.0",
  controls: [
    { id: "4.1", title: "A user for the container has been created", judge: noFinding(["image-runs-as-root"], SETTLED) },
    { id: "4.2", title: "Containers use only trusted base images", judge: layersNamed },
    { id: "4.3", title: "Unnecessary packages are not installed", judge: all(layersNamed, noFinding(["image-starts-shell"], SETTLED)) },
    { id: "4.4", title: "Images are scanned and rebuilt to include security patches", judge: all(gatePassed, everythingCompared) },
    { id: "4.5", title: "Content trust is enabled", judge: signed },
    { id: "4.6", title: "HEALTHCHECK instructions have been added", judge: notApplicable("Kubernetes ignores an image's HEALTHCHECK; probes take its place, see 5.27") },
    { id: "4.7", title: "Update instructions are not used alone", judge: notApplicable(NO_DOCKERFILE) },
    { id: "4.8", title: "setuid and setgid permissions are removed", judge: noFinding(["image-setuid"], "setuid") },
    { id: "4.9", title: "COPY is used instead of ADD", judge: notApplicable(NO_DOCKERFILE) },
    { id: "4.10", title: "Secrets are not stored in images", judge: all(noFinding(["secret:", "image-environment-secret"], "secrets in"), stage("secrets")) },
    { id: "4.11", title: "Only verified packages are installed", judge: all(stage("build"), layersNamed) },
    { id: "4.12", title: "All signed artifacts are validated", judge: stage("verify") },
    { id: "5.4", title: "Kernel capabilities are restricted", judge: containers("drops ALL capabilities, adds none", ({ securityContext }) => dropsAll(securityContext)) },
    { id: "5.5", title: "Privileged containers are not used", judge: containers("not privileged", ({ securityContext }) => securityContext?.["privileged"] !== true) },
    { id: "5.6", title: "Sensitive host directories are not mounted", judge: pods("mounts nothing of its node", (pod) => ((pod["volumes"] ?? []) as Mounted[]).every(({ hostPath }) => hostPath === undefined)) },
    { id: "5.8", title: "Privileged ports are not used", judge: noFinding(["image-privileged-port"], SETTLED) },
    { id: "5.10", title: "The host's network namespace is not shared", judge: pods("hostNetwork is not set", (pod) => pod["hostNetwork"] !== true) },
    { id: "5.11", title: "Memory usage is limited", judge: containers("has a limit of memory", ({ resources }) => limit(resources, "limits", "memory")) },
    { id: "5.12", title: "CPU priority is set", judge: containers("requests cpu", ({ resources }) => limit(resources, "requests", "cpu")) },
    { id: "5.13", title: "The root filesystem is mounted read-only", judge: security("readOnlyRootFilesystem", true) },
    { id: "5.16", title: "The host's process namespace is not shared", judge: pods("hostPID is not set", (pod) => pod["hostPID"] !== true) },
    { id: "5.17", title: "The host's IPC namespace is not shared", judge: pods("hostIPC is not set", (pod) => pod["hostIPC"] !== true) },
    { id: "5.22", title: "The default seccomp profile is not disabled", judge: containers("has the runtime's seccomp profile", ({ securityContext }, pod) => seccomp(securityContext) || seccomp(pod["securityContext"])) },
    { id: "5.26", title: "No additional privileges can be acquired", judge: security("allowPrivilegeEscalation", false) },
    { id: "5.27", title: "Container health is checked at runtime", judge: containers("has a liveness and a readiness probe", ({ livenessProbe, readinessProbe }) => livenessProbe !== undefined && readinessProbe !== undefined) },
    { id: "5.28", title: "Commands always use the image that is meant", judge: containers("names its image by digest", ({ image }) => typeof image === "string" && /@sha256:[0-9a-f]{64}$/.test(image)) },
    { id: "5.29", title: "A limit of processes is set", judge: perScan(() => fails("manifests: Kubernetes has no such field; the kubelet's podPidsLimit is the node's, and no run looks at it")) },
  ],
};

export function dropsAll(context: unknown): boolean {
  const { drop = [], add = [] } = ((context as { capabilities?: { drop?: string[]; add?: string[] } } | undefined)?.capabilities ?? {});
  return drop.includes("ALL") && add.length === 0;
}

export function seccomp(context: unknown): boolean {
  const type = (context as { seccompProfile?: { type?: string } } | undefined)?.seccompProfile?.type;
  return type === "RuntimeDefault" || type === "Localhost";
}

function limit(resources: unknown, kind: "limits" | "requests", what: string): boolean {
  return (resources as Record<string, Record<string, unknown>> | undefined)?.[kind]?.[what] !== undefined;
}

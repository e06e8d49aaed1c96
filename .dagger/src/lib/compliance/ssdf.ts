import { attested, everythingCompared, gatePassed, perScan, ranByDigest, refused, stage } from "./judges.ts";
import { all, fails, type Framework, holds, type Judge, never, notApplicable } from "./model.ts";

const OF_PEOPLE = "a practice of people and organisations; no run can show it";

/** Each finding that was excused has a reason and an end that has not come. */
const answered: Judge = perScan((scan) => {
  const excused = scan.findings.filter(({ exception }) => exception !== undefined);
  if ((scan.expired ?? []).length > 0) return fails(...scan.expired!.map((sentence) => `scan of ${scan.service}: ${sentence}`));
  if (!scan.gate.passed) return fails(scan.gate.sentence);
  return excused.length === 0
    ? holds(`scan of ${scan.service}: nothing at or above the threshold, nothing excused`)
    : holds(...excused.map(({ id, exception }) => `scan of ${scan.service}: ${id} excused until ${exception!.expires}: ${exception!.reason}`));
});

const dated: Judge = perScan((scan) => holds(`scan of ${scan.service}: compared with data of ${scan.dataDate}`));

/** Tasks of SP 800-218 that a delivery pipeline has a part in. */
export const SSDF: Framework = {
  name: "NIST SSDF (SP 800-218)",
  version: "1.1",
  controls: [
    { id: "PO.1", title: "Define security requirements for software development", judge: notApplicable(OF_PEOPLE) },
    { id: "PO.2", title: "Implement roles and responsibilities", judge: notApplicable(OF_PEOPLE) },
    { id: "PO.3.3", title: "Configure tools to generate artifacts of their support of secure development practices", judge: ({ run }) => holds(`report.json, findings.sarif, junit.xml of run ${run.runId}`) },
    { id: "PO.4.1", title: "Define criteria for software security checks and track them", judge: gatePassed },
    { id: "PO.4.2", title: "Gather and safeguard the information in support of the criteria", judge: never("the reports lie in a cache volume of the engine until somebody exports them") },
    { id: "PO.5", title: "Implement and maintain secure environments for software development", judge: notApplicable(OF_PEOPLE) },
    { id: "PS.1.1", title: "Store code by the principle of least privilege", judge: notApplicable("who may read and write the source is settled where it is hosted; no run can show it") },
    { id: "PS.2.1", title: "Make software integrity verification information available", judge: attested("signature of") },
    { id: "PS.3.1", title: "Archive the files and supporting data of each release", judge: never("the image lies in the registry by digest and the release in Git, but nothing in a run shows that either is kept") },
    { id: "PS.3.2", title: "Collect and share provenance data for all components of each release", judge: all(stage("sbom"), attested("CycloneDX"), attested("SPDX"), attested("SLSA provenance")) },
    { id: "PW.4.1", title: "Acquire and maintain well-secured software components", judge: all(stage("build"), gatePassed) },
    { id: "PW.4.4", title: "Verify that acquired components comply throughout their life cycles", judge: all(everythingCompared, gatePassed) },
    { id: "PW.7.2", title: "Perform code review or analysis, and record what was found", judge: all(stage("lint"), stage("secrets")) },
    { id: "PW.8.2", title: "Scope, design and perform testing, and record what was found", judge: all(stage("test"), stage("integrate"), ranByDigest) },
    { id: "PW.9.1", title: "Define a secure baseline of settings", judge: refused("a container as root", "a privileged container", "a root that can be written to", "no seccomp profile", "no resources") },
    { id: "PW.9.2", title: "Implement the default settings", judge: all(stage("lint"), stage("integrate")) },
    { id: "RV.1.1", title: "Gather information on potential vulnerabilities in the software and its components", judge: all(dated, everythingCompared) },
    { id: "RV.1.2", title: "Review, analyse and test the code for vulnerabilities not known before", judge: never("what is compared are known weaknesses; nothing looks for unknown ones") },
    { id: "RV.2.2", title: "Plan and implement risk responses for vulnerabilities", judge: answered },
    { id: "RV.3", title: "Analyse vulnerabilities to identify their root causes", judge: notApplicable(OF_PEOPLE) },
  ],
};

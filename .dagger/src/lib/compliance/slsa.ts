import { isDirty } from "../release.ts";
import { attested, stage } from "./judges.ts";
import { all, fails, type Framework, holds, type Judge, never } from "./model.ts";

const committed: Judge = ({ run: { images } }) => {
  if (images.length === 0) return fails("stage publish: no image in this run");
  const open = images.filter(({ sourceRevision }) => isDirty(sourceRevision));
  return open.length > 0
    ? fails(...open.map(({ service, sourceRevision }) => `image of ${service}: built from ${sourceRevision}, which no commit holds`))
    : holds(...images.map(({ service, sourceRevision }) => `image of ${service}: built from commit ${sourceRevision}`));
};

const HOSTED = "the build runs where the call was started from; nothing in a run shows a hosted platform behind it";

/** The build track's requirements; those above level 1 stand here so that nobody takes level 1 for more. */
export const SLSA: Framework = {
  name: "SLSA Build track",
  version: "1.0",
  controls: [
    { id: "L1 producer: platform", title: "Choose an appropriate build platform", judge: attested("SLSA provenance") },
    { id: "L1 producer: process", title: "Follow a consistent build process", judge: all(stage("build"), committed) },
    { id: "L1 producer: distribute", title: "Distribute provenance", judge: attested("SLSA provenance") },
    { id: "L1 provenance: exists", title: "Provenance describes how the artifact was produced", judge: all(attested("SLSA provenance"), attested("built from commit")) },
    { id: "L2 provenance: authentic", title: "Provenance is generated and signed by the hosted platform", judge: never("whoever starts the run holds the key; no hosted platform signs") },
    { id: "L2 isolation: hosted", title: "Builds run on a hosted platform", judge: never(HOSTED) },
    { id: "L3 provenance: unforgeable", title: "The key is out of reach of the build's own steps", judge: never("key and build share a machine, though the key is mounted for cosign alone") },
    { id: "L3 isolation: isolated", title: "Builds run isolated from one another", judge: never("builds share an engine and its caches; each thing fetched is checked, the engine itself is not hardened against a build") },
  ],
};
